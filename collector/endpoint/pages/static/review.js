// Comfort only: every page works without this file.
// Local time on a time, buttons that copy, keys to go from row to row, a filter while typing.

const local = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "long" });

function tellLocalTime(event) {
  const time = event.target.closest?.("time[datetime]");
  if (!time || time.title) return;
  const moment = new Date(time.dateTime);
  if (!Number.isNaN(moment.valueOf())) time.title = `${local.format(moment)} (your time)`;
}

async function copy(button) {
  const shown = button.closest(".copy").querySelector("pre, textarea");
  const text = shown.value ?? shown.textContent;
  const before = button.textContent;
  try {
    await navigator.clipboard.writeText(text);
    button.textContent = "Copied";
  } catch {
    if (shown.select) shown.select();
    else getSelection().selectAllChildren(shown);
    button.textContent = "Selected";
  }
  announce(button.textContent);
  setTimeout(() => { button.textContent = before; }, 2000);
}

const said = document.createElement("p");
said.className = "unseen";
said.setAttribute("role", "status");

function announce(text) {
  said.textContent = "";
  requestAnimationFrame(() => { said.textContent = text; });
}

// A row is whatever has data-row; its first link is what Enter opens.
function rows() {
  return [...document.querySelectorAll("[data-row]")].filter((row) => row.offsetParent !== null);
}

function step(by) {
  const all = rows();
  if (!all.length) return;
  const now = all.findIndex((row) => row.contains(document.activeElement));
  const next = all[now < 0 ? (by > 0 ? 0 : all.length - 1) : Math.min(Math.max(now + by, 0), all.length - 1)];
  (next.querySelector("a[href]") ?? next).focus();
  next.scrollIntoView({ block: "nearest" });
}

// Keys of a single letter get in the way of speech input and of some assistive tools: who wants none turns them off.
let keysAreOn = remembered("vmext-keys") !== "off";

function remembered(name, value) {
  try {
    if (value !== undefined) localStorage.setItem(name, value);
    return localStorage.getItem(name);
  } catch {
    return null;  // a browser that keeps nothing
  }
}

function tellKeys(button) {
  button.textContent = keysAreOn ? "Turn the keys off" : "Turn the keys on";
}

function key(event) {
  if (!keysAreOn || event.ctrlKey || event.metaKey || event.altKey) return;
  const inField = event.target.closest?.("input, select, textarea");
  if (event.key === "Escape" && inField) inField.blur();
  if (inField) return;
  if (event.key === "j") step(1);
  else if (event.key === "k") step(-1);
  else if (event.key === "/") {
    const field = document.querySelector("[data-filter]") ?? document.getElementById("search");
    field?.focus();
    field?.select();
  } else return;
  event.preventDefault();
}

// An input with data-filter="SELECTOR" hides the rows below SELECTOR that lack what is typed.
function filter(input) {
  const wanted = input.value.trim().toLowerCase();
  const all = [...document.querySelectorAll(`${input.dataset.filter} [data-row]`)];
  let left = 0;
  for (const row of all) {
    row.hidden = wanted !== "" && !row.textContent.toLowerCase().includes(wanted);
    if (!row.hidden) left += 1;
  }
  announce(wanted ? `${left} of ${all.length} shown` : "");
}

document.body.append(said);
document.addEventListener("pointerover", tellLocalTime);
document.addEventListener("focusin", tellLocalTime);
document.addEventListener("keydown", key);
for (const button of document.querySelectorAll("[data-copy]")) {
  button.hidden = false;
  button.addEventListener("click", () => copy(button));
}
for (const input of document.querySelectorAll("[data-filter]")) {
  input.closest("label")?.removeAttribute("hidden");
  input.addEventListener("input", () => filter(input));
}
const keys = document.getElementById("keys");
if (keys) {
  tellKeys(keys);
  keys.addEventListener("click", () => {
    keysAreOn = !keysAreOn;
    remembered("vmext-keys", keysAreOn ? "on" : "off");
    tellKeys(keys);
  });
}
for (const hint of document.querySelectorAll(".scripted")) hint.hidden = false;
