/* 数据：读入内嵌的 JSON；面积一律是 0.01 ㎡ 的整数，只在显示时换算一次。 */

const page = JSON.parse(document.getElementById("data").textContent);
const tasks = page.tasks;
const mapped = "shapes" in page; // 无坐标的一份没有地图
let map = null;
const COUNT = tasks.id.length;
const WITHDRAWN = page.statuses.findIndex((status) => status.name === "withdrawn");
const CLOSED = page.statuses.findIndex((status) => status.name === "closed");

/** A number as text with `places` decimals, from an integer in units of 10^-places. */
function decimal(units, places) {
  const digits = String(Math.abs(units)).padStart(places + 1, "0");
  const text = `${digits.slice(0, -places)}.${digits.slice(-places)}`;
  return units < 0 ? `-${text}` : text;
}

/** 亩 with two decimals, half-up once: 0.01 ㎡ = 0.000015 亩. */
function mu(cm2) {
  return decimal(Math.floor((cm2 * 15 + 5000) / 10000), 2);
}

/** ㎡ with two decimals. */
function squareMetres(cm2) {
  return decimal(cm2, 2);
}

/** The share of a whole in % with one decimal, half-up; the same as explain prints. */
function percent(part, whole) {
  return decimal(Math.floor((part * 2000 + whole) / (2 * whole)), 1);
}

/** An element with attributes, text and children; text is never read as HTML. */
function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children.filter((child) => child !== null));
  return made;
}

/** The head of a table; heads of areas stand on the right as their numbers do. */
function headRow(texts) {
  const kind = (text) => (text.endsWith("（亩）") ? { class: "number" } : {});
  const cells = texts.map((text) => element("th", { scope: "col", ...kind(text) }, text));
  return element("thead", {}, element("tr", {}, ...cells));
}

/** The coloured mark of a category; its two letters stand beside it wherever it is used. */
function swatch(category) {
  const mark = element("span", { class: "swatch", "aria-hidden": "true" });
  mark.style.backgroundColor = category.colour;
  return mark;
}

/** The sign of a status, which says without colour what is done. */
function mark(state) {
  return element("span", { class: `mark ${state.name}`, "aria-hidden": "true" }, state.mark);
}

const category = (i) => page.classes[tasks.class[i]];
const status = (i) => page.statuses[tasks.status[i]];
const town = (i) => page.towns[tasks.town[i]];
const village = (i) => page.villages[tasks.village[i]];
const place = (i) => `${town(i)} ${village(i)}`.trim();

/** What a screen reader, a tooltip and the tab say of a task in one line. */
function inBrief(i) {
  return `${category(i).label}，${status(i).label}，${place(i)}，${mu(tasks.area[i])} 亩`;
}
