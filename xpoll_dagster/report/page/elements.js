// Making elements: text goes in as text nodes, never as markup.

/** An element with classes ("p.note"), properties and children (strings become text). */
function make(description, properties, ...children) {
  const [tag, ...classes] = description.split(".");
  const element = document.createElement(tag);
  if (classes.length) element.className = classes.join(" ");
  for (const [name, value] of Object.entries(properties || {})) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name.startsWith("aria-") || name === "role") element.setAttribute(name, value);
    else element[name] = value;
  }
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

const byId = (id) => document.getElementById(id);

const parsed = new Map();

/** A part of the data, parsed when it is first needed; null where the part is absent. */
function data(name) {
  if (!parsed.has(name)) {
    const holder = byId(`data-${name}`);
    parsed.set(name, holder ? JSON.parse(holder.textContent) : null);
    if (holder) holder.remove();
  }
  return parsed.get(name);
}

const grouped = (number) => number.toLocaleString("en");

/** "1 pair", "2 pairs". */
const counted = (number, name) => `${grouped(number)} ${name}${number === 1 ? "" : "s"}`;

/** Add options to a select: [[value, label], …]. */
function fillSelect(select, options) {
  for (const [value, label] of options) select.append(make("option", { value }, label));
}

/** Call once the calls have stopped coming for a moment. */
function settled(action, milliseconds = 160) {
  let timer = 0;
  return () => {
    clearTimeout(timer);
    timer = setTimeout(action, milliseconds);
  };
}

/** Words as they are compared: lower case, without accents. */
function words(text) {
  return text.normalize("NFKD").replace(/\p{M}+/gu, "").toLowerCase().match(/[\p{L}\p{N}]+/gu) || [];
}

/** A paragraph of text with the spans [start, end] marked. */
function markedText(text, spans) {
  const paragraph = make("p.text", { dir: "auto" });
  let place = 0;
  for (const [start, end] of spans) {
    if (start < place) continue;
    paragraph.append(text.slice(place, start), make("mark", null, text.slice(start, end)));
    place = end;
  }
  paragraph.append(text.slice(place));
  return paragraph;
}
