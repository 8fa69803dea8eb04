// Pictures given by hand: let go over the page, or chosen by its button. Knows no folder and asks nothing.

const over = document.getElementById("catch");
const chosen = document.getElementById("files");

// `may`: whether there is somewhere to put them. `add`: given the files, and sentences about what is none.
export function takePictures(may, add) {
  const carriesFiles = (event) => may() && [...event.dataTransfer.types].includes("Files");

  document.addEventListener("dragover", (event) => {
    if (!carriesFiles(event)) return;
    event.preventDefault();
    over.hidden = false;
  });
  document.addEventListener("dragleave", (event) => {
    if (!event.relatedTarget) over.hidden = true;
  });
  document.addEventListener("drop", (event) => {
    if (!carriesFiles(event)) return;
    event.preventDefault();
    over.hidden = true;
    const isFolder = [...event.dataTransfer.items].map((item) => Boolean(item.webkitGetAsEntry()?.isDirectory));
    const files = [...event.dataTransfer.files].filter((_file, place) => !isFolder[place]);
    add(files, isFolder.includes(true) ? ["Only pictures can be dropped here, not folders."] : []);
  });
  chosen.addEventListener("change", () => {
    const files = [...chosen.files];
    chosen.value = "";
    add(files);
  });
}
