// One picture seen closely, before and after, as large as the window. Knows the elements of a card alone.

const dialog = document.getElementById("closer");

export const isClose = () => dialog.open;
export const isSeen = (card) => dialog.dataset.number === card.dataset.number;
export const leave = () => dialog.close();

export function lookCloser(card) {
  for (const which of ["before", "after"]) {
    const from = card.querySelector(`.${which} img`);
    const to = dialog.querySelector(`.${which} img`);
    const source = from.hidden ? "" : from.dataset.source || "";
    to.parentElement.hidden = !source;
    to.alt = from.alt;
    const large = source && `${source}${source.includes("?") ? "&" : "?"}large=1`;
    if (to.getAttribute("src") !== large) to.setAttribute("src", large);
  }
  for (const what of ["name", "reason"]) {
    dialog.querySelector(`.${what}`).textContent = card.querySelector(`.${what}`).textContent;
  }
  dialog.dataset.number = card.dataset.number;
  dialog.className = card.parentElement.parentElement.className;
  if (!dialog.open) dialog.showModal();
}
