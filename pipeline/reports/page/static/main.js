/* 起步：控件、选中、标签页、键盘。 */

let selected = -1;
const TABS = mapped ? ["list", "why", "sums"] : ["why", "sums"]; // 没有地图时清单总在左边
const chips = { classes: [], statuses: [] };

/** Show one tab; the list of a page without map is always there. */
function showTab(name, { focus = false } = {}) {
  const away = document.getElementById("list").hidden;
  for (const tab of TABS) {
    const button = document.getElementById(`tab-${tab}`);
    button.setAttribute("aria-selected", String(tab === name));
    button.tabIndex = tab === name ? 0 : -1;
    document.getElementById(tab).hidden = tab !== name;
  }
  showSums();
  if (name === "list" && away) {
    table.redraw(); // 藏着的时候不画行
    if (selected >= 0) markRow(selected, true);
  }
  if (focus) document.getElementById(name).focus();
}

/** Choose a task: its row, its plot and its explanation; -1 chooses none. */
function choose(i, { zoom = false, scroll = false } = {}) {
  selected = i;
  markRow(i, scroll);
  if (map) markPlot(i, zoom);
  showWhy(i);
  const which = i < 0 ? "" : `：…${tasks.bsm[i].slice(-6)}`;
  document.getElementById("tab-why").textContent = `为什么${which}`;
  document.getElementById("chosen").textContent = i < 0 ? "" : inBrief(i);
}

/** Everything that follows the filter. */
function refresh() {
  applyFilter();
  refreshTable();
  if (map) refreshMap();
  showNumbers();
}

/** The numbers beside the tick boxes, above the tabs and in the sums. */
function showNumbers() {
  for (const group of Object.keys(chips)) {
    chips[group].forEach((chip, n) => { chip.lastChild.textContent = String(facets[group][n]); });
  }
  showCounts();
  showSums();
}

/** One tick box per category or status; none ticked means all. */
function makeChips(group, items, sign) {
  const box = document.getElementById(group);
  items.forEach((item, n) => {
    const input = element("input", { type: "checkbox", value: item.name });
    input.addEventListener("change", () => {
      if (input.checked) chosen[group].add(n);
      else chosen[group].delete(n);
      refresh();
    });
    const name = item.short ? `${item.short} ${item.label}` : item.label;
    const chip = element("label", { class: "chip" }, input, sign(item), `${name} `, element("output", {}));
    chips[group].push(chip);
    box.append(chip);
  });
}

/** Fill the controls and listen to them. */
function makeControls() {
  makeChips("classes", page.classes, swatch);
  makeChips("statuses", page.statuses, mark);
  const towns = document.getElementById("town");
  towns.append(element("option", { value: -1 }, "全部"),
    ...page.towns.map((name, n) => element("option", { value: n }, name)));
  towns.addEventListener("change", () => { chosen.town = Number(towns.value); refresh(); if (map) showWhole(); });
  const words = document.getElementById("words");
  words.addEventListener("input", () => {
    chosen.words = plain(words.value).split(/\s+/u).filter(Boolean);
    refresh();
  });
  const form = document.getElementById("filter");
  form.addEventListener("submit", (event) => { event.preventDefault(); if (map) showWhole(); });
  form.addEventListener("reset", () => {
    Object.assign(chosen, { classes: new Set(), statuses: new Set(), town: -1, words: [] });
    refresh();
  });
}

/** Tabs by click and by arrow keys. */
function makeTabs() {
  TABS.forEach((name, n) => {
    const button = document.getElementById(`tab-${name}`);
    button.addEventListener("click", () => showTab(name));
    button.addEventListener("keydown", (event) => {
      const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
      if (!step) return;
      const next = TABS[(n + step + TABS.length) % TABS.length];
      showTab(next);
      document.getElementById(`tab-${next}`).focus();
    });
  });
}

/** Keys that work anywhere: / searches, Esc goes back. */
function makeKeys() {
  document.addEventListener("keydown", (event) => {
    const typing = event.target.matches("input[type=search], select");
    if (event.key === "/" && !typing) {
      event.preventDefault();
      document.getElementById("words").focus();
    } else if (event.key === "Escape" && !document.getElementById("help").open && !typing) {
      if (!document.getElementById("list").hidden) choose(-1);
      else showTab("list", { focus: true });
    }
  });
  document.getElementById("print-button").addEventListener("click", () => window.print());
  const help = document.getElementById("help");
  document.getElementById("help-button").addEventListener("click", () => help.showModal());
}

/** Build the page; `data-ready` on the root says that it can be used. */
async function start() {
  makeControls();
  makeTabs();
  makeKeys();
  applyFilter();
  await makeTable();
  if (mapped) makeMap();
  showNumbers();
  showWhy(-1);
  document.getElementById("tab-list").hidden = !mapped;
  showTab(TABS[0]);
  requestAnimationFrame(() => setTimeout(() => { // 第一帧画完
    document.documentElement.dataset.ready = String(Math.round(performance.now()));
  }));
}

start();
