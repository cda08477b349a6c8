/* 筛选：哪些任务列出、哪些计数，各类各状态还剩几个，合计。 */

const chosen = { classes: new Set(), statuses: new Set(), town: -1, words: [] };
const listed = new Uint8Array(COUNT); // 在清单和地图上
const counted = new Uint8Array(COUNT); // 进合计：与 summary.csv 同一口径
const facets = { classes: [], statuses: [] };

let texts = null; // 第一次查找时才备好

/** What is searched of every task. */
function searched() {
  texts = texts || Array.from(tasks.id, (id, i) => plain(`${id} ${tasks.bsm[i]} ${place(i)}`));
  return texts;
}

/** Text as it is compared: full-width digits and letters as plain ones, small letters. */
function plain(text) {
  return text.normalize("NFKC").toLowerCase();
}

/** Apply what is chosen. Nothing chosen means all; withdrawn tasks are listed when asked for. */
function applyFilter() {
  const { classes, statuses, words } = chosen;
  const found = words.length ? searched() : [];
  facets.classes = page.classes.map(() => 0);
  facets.statuses = page.statuses.map(() => 0);
  for (let i = 0; i < COUNT; i += 1) {
    const here = (chosen.town < 0 || tasks.town[i] === chosen.town)
      && words.every((word) => found[i].includes(word));
    const ofClass = !classes.size || classes.has(tasks.class[i]);
    const ofStatus = !statuses.size || statuses.has(tasks.status[i]);
    const shown = statuses.size ? ofStatus : tasks.status[i] !== WITHDRAWN;
    counted[i] = here && ofClass && ofStatus ? 1 : 0;
    listed[i] = here && ofClass && shown ? 1 : 0;
    if (here && shown) facets.classes[tasks.class[i]] += 1;
    if (here && ofClass) facets.statuses[tasks.status[i]] += 1;
  }
}

/** Zero of every measure of summary.csv, and the plots that were seen. */
function nothing() {
  return {
    tasks: 0, area: 0, closed: 0, restored: 0, open: 0, remaining: 0, withdrawn: 0, withdrawnArea: 0,
    plots: new Set(),
  };
}

/** Count a task into sums as summary.csv does: a withdrawn one stands apart. */
function count(sums, i) {
  if (tasks.status[i] === WITHDRAWN) {
    sums.withdrawn += 1;
    sums.withdrawnArea += tasks.area[i];
    return;
  }
  sums.tasks += 1;
  sums.area += tasks.area[i];
  sums.restored += tasks.restored[i];
  sums.remaining += tasks.remaining[i];
  sums[tasks.status[i] === CLOSED ? "closed" : "open"] += 1;
  sums.plots.add(tasks.bsm[i]);
}

/** Sums of the counted tasks that `wanted` holds for. */
function sumOf(wanted = () => true) {
  const sums = nothing();
  for (let i = 0; i < COUNT; i += 1) if (counted[i] && wanted(i)) count(sums, i);
  return sums;
}

/** What is chosen, in words, for the printed page. */
function inWords() {
  const said = [];
  const names = (set, of) => [...set].sort((a, b) => a - b).map((n) => of[n].label).join("、");
  if (chosen.town >= 0) said.push(`镇办：${page.towns[chosen.town]}`);
  if (chosen.classes.size) said.push(`类别：${names(chosen.classes, page.classes)}`);
  if (chosen.statuses.size) said.push(`状态：${names(chosen.statuses, page.statuses)}`);
  if (chosen.words.length) said.push(`查找：${chosen.words.join(" ")}`);
  return said.join("；") || "全部任务（撤出的另计）";
}
