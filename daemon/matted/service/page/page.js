// The page of the watched folders. Asks for the state every two seconds while it is seen, draws what changed,
// and asks for changes with the key that came in its HTML. Text from files becomes text nodes and never HTML.

import { beside } from "./beside.js";
import { isClose, isSeen, leave, lookCloser } from "./closer.js";
import { takePictures } from "./dropping.js";

const PAUSE_MS = 2000;
const MOST_SHOWN = 1000;
const SECTIONS = [
  { name: "review", title: "To look at", short: "to look at", states: ["review"] },
  { name: "failed", title: "Failed", short: "failed", states: ["failed"] },
  { name: "queue", title: "In the queue", short: "in the queue", states: ["working", "waiting"] },
  { name: "done", title: "Done", short: "done", states: ["done"] },
];
const GROUNDS = ["checks", "white", "gray", "black"];

const key = document.querySelector("meta[name=matted-key]").content;
const at = (id) => document.getElementById(id);

let state = { ready: false, folders: [] };
let mark = "";
let folder = -1; // not chosen yet
let limit = 60;
let current = ""; // the card that the arrow keys are on
let timer = 0;
let asking = false;
let again = false; // asked to look while looking
const cards = new Map();
const asked = new Set(); // cards whose change is under way

// ------------------------------------------------------------------------------------------- asking

class Refused extends Error {}

async function ask(path, options = {}) {
  let answer;
  try {
    answer = await fetch(path, { cache: "no-store", ...options });
  } catch {
    throw new Refused("Matted does not answer: it has ended, or is busy. Run `matted open` again.");
  }
  if (answer.ok || answer.status === 304) return answer;
  const problem = await answer.json().catch(() => ({}));
  throw new Refused(problem.detail || `Matted answered with status ${answer.status}.`);
}

const change = (path, body) => ask(path, { method: "POST", body, headers: { "X-Matted-Page": key } });

async function look() {
  clearTimeout(timer);
  again = asking;
  if (asking) return;
  asking = true;
  try {
    const answer = await ask(`state?limit=${limit}`, { headers: mark ? { "If-None-Match": mark } : {} });
    if (answer.status !== 304) {
      state = await answer.json();
      mark = answer.headers.get("ETag") || "";
    }
    draw();
  } catch (error) {
    trouble(error.message);
  }
  asking = false;
  if (again) look();
  else if (!document.hidden) timer = setTimeout(look, PAUSE_MS);
}

async function act(what, number) {
  const id = idOf(folder, number);
  if (asked.has(id)) return;
  asked.add(id);
  draw();
  try {
    const answer = await change(`folders/${folder}/pictures/${number}/${what}`);
    say((await answer.json()).sentence);
  } catch (error) {
    say(error.message);
  }
  asked.delete(id);
  await look();
}

async function add(files, refusals = []) {
  const into = folder;
  let done = 0;
  for (const [place, file] of files.entries()) {
    say(files.length > 1 ? `Adding ${place + 1} of ${files.length}: ${file.name}` : `Adding ${file.name}`);
    try {
      await change(`folders/${into}/pictures?name=${encodeURIComponent(file.name)}`, file);
      done += 1;
    } catch (error) {
      refusals.push(error.message);
    }
  }
  const added = done === 1 ? "1 picture is in the folder." : `${done} pictures are in the folder.`;
  say([...(done || !refusals.length ? [added] : []), ...refusals].join(" "));
  await look();
}

const put = (element, text) => element.textContent !== text && (element.textContent = text);
const say = (sentence) => put(at("said"), sentence);

function trouble(sentence) {
  at("trouble").hidden = !sentence;
  put(at("trouble"), sentence);
}

// ------------------------------------------------------------------------------------------ drawing

function make(tag, names, text) {
  const element = document.createElement(tag);
  if (names) element.className = names;
  if (text !== undefined) element.textContent = text;
  return element;
}

const idOf = (number, picture) => `${number}-${picture}`;

// The folder that was shown before a reload, else the one in which something happened last.
function chooseFolder() {
  const held = state.folders.findIndex((one) => one.path === sessionStorage.getItem("folder"));
  const times = state.folders.map((one) => Math.max(0, ...one.pictures.map((picture) => picture.changed_s)));
  folder = held >= 0 ? held : Math.max(0, times.indexOf(Math.max(...times)));
}

function draw() {
  if (folder < 0 && state.folders.length) chooseFolder();
  const shown = state.folders[folder];
  at("nothing").hidden = Boolean(shown);
  at("sections").hidden = !shown;
  at("add").hidden = at("grounds").hidden = at("keys").hidden = !shown;
  drawFolders();
  if (!shown) return trouble("");
  trouble(shown.trouble);
  document.title = shown.counts.review ? `(${shown.counts.review}) ${shown.name} · Matted` : `${shown.name} · Matted`;
  const held = document.activeElement;
  const heldCard = held && held.closest(".card");
  const before = order();
  drawSections(shown);
  settle(heldCard, held, before);
}

function drawFolders() {
  const wanted = state.folders.map((one) => `${one.name}\n${one.path}\n${one.counts.review}`).join("\n\n") + folder;
  const nav = at("folders");
  if (nav.dataset.drawn === wanted) return;
  const refocus = nav.contains(document.activeElement);
  nav.dataset.drawn = wanted;
  nav.replaceChildren(
    ...state.folders.map((one, number) => {
      const button = make("button", "", one.name);
      button.type = "button";
      button.title = one.path;
      if (one.counts.review) {
        button.append(make("span", "count", `${one.counts.review}`), make("span", "spoken", " to look at"));
      }
      if (number === folder) button.setAttribute("aria-current", "true");
      button.addEventListener("click", () => {
        folder = number;
        current = "";
        sessionStorage.setItem("folder", one.path);
        draw();
      });
      return button;
    }),
  );
  if (refocus) nav.children[folder].focus();
}

function drawSections(shown) {
  const main = at("sections");
  if (main.dataset.folder !== `${folder}`) {
    main.dataset.folder = `${folder}`;
    cards.clear();
    main.replaceChildren(make("p", "where"), make("p", "overview"), ...SECTIONS.map(emptySection), make("p", "calm"));
    main.querySelector(".overview").append(
      ...SECTIONS.map(({ name }) => Object.assign(make("a"), { href: `#title-${name}` })),
    );
  }
  const rests = state.ready && !shown.watched && !shown.trouble;
  put(main.querySelector(".where"), rests ? `${shown.path}, not watched now. This command goes on with it: matted watch "${shown.path}"` : shown.path);
  const seen = new Set();
  for (const section of SECTIONS) {
    const element = main.querySelector(`section.${section.name}`);
    const pictures = shown.pictures.filter((one) => section.states.includes(one.state));
    const count = section.states.reduce((sum, one) => sum + shown.counts[one], 0);
    element.hidden = count === 0;
    const link = main.querySelector(`.overview [href="#title-${section.name}"]`);
    link.hidden = count === 0;
    put(link, `${count} ${section.short}`);
    put(element.querySelector(".count"), `${count}`);
    const list = element.querySelector(".cards");
    pictures.forEach((picture, place) => {
      const id = idOf(folder, picture.number);
      seen.add(id);
      const card = drawCard(id, picture);
      if (list.children[place] !== card) list.insertBefore(card, list.children[place] || null);
    });
    const more = element.querySelector(".more");
    more.hidden = pictures.length >= count || limit >= MOST_SHOWN;
  }
  for (const [id, card] of cards) {
    if (!seen.has(id)) {
      card.remove();
      cards.delete(id);
    }
  }
  const calm = main.querySelector(".calm");
  calm.hidden = seen.size > 0 || Boolean(shown.trouble);
  put(calm, state.ready ? "Nothing here yet. Save pictures into the folder, or drop them on this page." : "The engine is starting.");
}

const copyOf = (template) => at(template).content.firstElementChild.cloneNode(true);

function emptySection({ name, title }) {
  const section = copyOf("section");
  section.className = name;
  section.querySelector(".title").textContent = title;
  section.querySelector("h2").id = `title-${name}`;
  section.setAttribute("aria-labelledby", `title-${name}`);
  section.querySelector(".more").addEventListener("click", () => {
    limit = Math.min(MOST_SHOWN, limit * 4);
    look();
  });
  return section;
}

function drawCard(id, picture) {
  let card = cards.get(id);
  if (!card) {
    card = emptyCard(picture.number);
    cards.set(id, card);
  }
  const now = JSON.stringify(picture) + asked.has(id);
  if (card.dataset.drawn === now) return card;
  card.dataset.drawn = now;
  card.classList.toggle("working", picture.state === "working");
  const reason = reasonOf(picture);
  put(card.querySelector(".name"), picture.name);
  put(card.querySelector(".reason"), reason);
  card.setAttribute("aria-label", `${picture.name}, ${spoken(picture.state)}${reason ? `: ${reason}` : ""}`);
  show(card.querySelector(".before"), `folders/${folder}/pictures/${picture.number}/before`, `Before: ${picture.name}`);
  const after = card.querySelector(".after");
  const has = picture.results.length > 0;
  after.hidden = !has && picture.state !== "failed";
  if (has) show(after, `folders/${folder}/pictures/${picture.number}/after?of=${picture.changed_s}`, `After: ${picture.name}`);
  else lack(after, "No result");
  const [accept, retry] = card.querySelectorAll("button");
  accept.hidden = picture.state !== "review";
  retry.hidden = picture.state === "working" || (picture.state === "waiting" && !picture.reason);
  for (const button of [accept, retry]) button.setAttribute("aria-disabled", asked.has(id));
  put(retry, picture.state === "waiting" ? "Try now" : "Cut again");
  accept.setAttribute("aria-label", `Accept ${picture.name}`);
  retry.setAttribute("aria-label", `Cut ${picture.name} again`);
  card.querySelector(".acts").hidden = accept.hidden && retry.hidden;
  return card;
}

function emptyCard(number) {
  const card = copyOf("card");
  card.dataset.number = number;
  for (const image of card.querySelectorAll("img")) {
    image.addEventListener("error", () => lack(image.parentElement, "No preview"));
  }
  const [accept, retry] = card.querySelectorAll("button");
  accept.addEventListener("click", () => act("accept", number));
  retry.addEventListener("click", () => act("retry", number));
  return card;
}

function show(figure, source, text) {
  const image = figure.querySelector("img");
  image.alt = text;
  if (image.dataset.source === source) return;
  image.dataset.source = source;
  image.hidden = false; // a hidden picture would not be loaded lazily
  figure.querySelector(".none").hidden = true;
  image.src = source;
}

function lack(figure, text) {
  const image = figure.querySelector("img");
  image.hidden = true;
  delete image.dataset.source;
  const none = figure.querySelector(".none");
  none.hidden = false;
  put(none, text);
}

const spoken = (name) => ({ review: "to look at", failed: "failed", working: "being cut", waiting: "waiting", done: "done" })[name];

function reasonOf(picture) {
  if (picture.state === "review" || picture.state === "failed") return picture.reason;
  if (picture.state === "done") return picture.results.join(", ");
  if (picture.state === "working") return "Being cut";
  if (!picture.reason) return "Waiting";
  const due = new Date(picture.due_s * 1000);
  return due > new Date() ? `${picture.reason} Again at ${due.toLocaleTimeString()}.` : picture.reason;
}

// ----------------------------------------------------------------------------------------- keyboard

const order = () => [...document.querySelectorAll(".card")];

// Keeps one card reachable by Tab, and the focus where a person left it, or on what came in its place.
function settle(heldCard, held, before) {
  const now = order();
  if (heldCard && document.activeElement !== held) {
    if (heldCard.isConnected) {
      const left = before[before.indexOf(heldCard) + 1];
      const moved = heldCard.dataset.section && heldCard.dataset.section !== heldCard.parentElement.parentElement.className;
      focusOn(moved && left && left.isConnected ? left : heldCard);
    } else {
      const rest = before.slice(before.indexOf(heldCard) + 1).find((card) => card.isConnected);
      focusOn(rest || now[now.length - 1]);
    }
  }
  for (const card of now) card.dataset.section = card.parentElement.parentElement.className;
  if (!now.some((card) => card.dataset.number === current)) current = now.length ? now[0].dataset.number : "";
  for (const card of now) {
    const here = card.dataset.number === current;
    card.tabIndex = here ? 0 : -1;
    for (const button of card.querySelectorAll("button")) button.tabIndex = here ? 0 : -1;
  }
}

function focusOn(card) {
  if (!card) return;
  current = card.dataset.number;
  card.focus();
}

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.altKey || event.metaKey || event.target.matches("input")) return;
  const close = isClose();
  const card = close ? order().find(isSeen) : event.target.closest(".card");
  const pressed = event.key.length === 1 ? event.key.toLowerCase() : event.key;
  if (/^(Arrow|Home$|End$)/.test(pressed)) {
    const next = beside(order(), card, pressed);
    if (next) {
      event.preventDefault();
      focusOn(next);
      if (close) lookCloser(next);
    }
  } else if (pressed === "b") {
    const next = GROUNDS[(GROUNDS.indexOf(document.body.dataset.ground || "checks") + 1) % GROUNDS.length];
    document.querySelector(`#grounds input[value=${next}]`).click();
  } else if (card) {
    const [accept, retry] = card.querySelectorAll("button");
    const accepts = pressed === "a" || (pressed === "Enter" && (close || event.target === card));
    const wished = accepts ? accept : pressed === "r" ? retry : null;
    if (pressed === " " && (close || event.target === card)) {
      event.preventDefault();
      if (close) leave();
      else lookCloser(card);
    } else if (wished && !wished.hidden && !event.repeat) {
      event.preventDefault();
      wished.click();
      if (close) lookOn(card);
    }
  }
});

// After a picture that was judged closely comes the next one of its section.
function lookOn(card) {
  const next = card.nextElementSibling;
  if (!next) return leave();
  focusOn(next);
  lookCloser(next);
}

document.addEventListener("click", (event) => {
  const card = event.target.closest(".card");
  if (event.target.closest("#closer")) leave();
  else if (card && event.target.closest(".pair")) {
    focusOn(card);
    lookCloser(card);
  }
});
at("closer").addEventListener("close", () => focusOn(order().find(isSeen)));

document.addEventListener("focusin", (event) => {
  const card = event.target.closest(".card");
  if (card && card.dataset.number !== current) {
    current = card.dataset.number;
    settle(null, null, []);
  }
});

takePictures(() => state.folders.length > 0, add);
for (const input of document.querySelectorAll("#grounds input")) {
  input.addEventListener("change", () => {
    document.body.dataset.ground = input.value;
  });
}
document.addEventListener("visibilitychange", () => (document.hidden ? clearTimeout(timer) : look()));
look();
