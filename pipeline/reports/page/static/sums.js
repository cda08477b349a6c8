/* 合计：按类别（附件2的顺序和小计）与按镇办，随筛选而变。 */

const SUM_HEAD = [
  "任务", "面积（亩）", "已销号", "已恢复（亩）", "未销号", "剩余（亩）", "撤出", "撤出（亩）",
];

/** The line above the tabs. */
function showCounts() {
  const all = sumOf();
  const parts = [
    ["任务", String(all.tasks)], ["图斑", String(all.plots.size)], ["面积", `${mu(all.area)} 亩`],
    ["已恢复", `${mu(all.restored)} 亩`], ["剩余", `${mu(all.remaining)} 亩`],
  ];
  const line = parts.map(
    ([label, value]) => element("span", {}, `${label} `, element("b", {}, value)));
  if (all.withdrawn) line.push(element("span", { class: "aside" }, `另有撤出 ${all.withdrawn} 个`));
  document.getElementById("counts").replaceChildren(...line);
}

/** One row of a table of sums. */
function sumRow(label, sums, attributes = {}) {
  const cells = [
    sums.tasks, mu(sums.area), sums.closed, mu(sums.restored), sums.open, mu(sums.remaining),
    sums.withdrawn, mu(sums.withdrawnArea),
  ];
  return element("tr", attributes, element("th", { scope: "row" }, ...[label].flat()),
    ...cells.map((cell) => element("td", {}, String(cell))));
}

/** A table of sums with its caption. */
function sumTable(caption, first, rows) {
  return element("table", {}, element("caption", {}, caption),
    headRow([first, ...SUM_HEAD]), element("tbody", {}, ...rows));
}

/** Both tables of what is chosen. */
function sumTables() {
  const byClass = page.classes.map((item, n) => sumRow(
    [swatch(item), `${item.short} ${item.label}`], sumOf((i) => tasks.class[i] === n),
    { "data-item": item.name }));
  const subtotals = page.subtotals.map((item) => sumRow(
    item.label, sumOf((i) => item.members.includes(tasks.class[i])),
    { class: "subtotal", "data-item": item.name }));
  const byTown = page.towns.map((name, n) => [name, sumOf((i) => tasks.town[i] === n)])
    .filter(([name, sums]) => name !== page.undecided || sums.tasks + sums.withdrawn)
    .map(([name, sums]) => sumRow(name, sums, { "data-item": name }));
  byTown.push(sumRow("合计", sumOf(), { class: "subtotal", "data-item": "county" }));
  return [sumTable("按类别", "类别", [...byClass, ...subtotals]), sumTable("按镇办", "镇办", byTown)];
}

/** Fill the tab, only where it is seen: sums of 20,000 tasks take their time. */
function showSums() {
  const panel = document.getElementById("sums");
  if (panel.hidden) return;
  panel.replaceChildren(
    ...sumTables(),
    element("p", { class: "note" }, "任务 = 图斑 × 类别，一个图斑在一类里计一次；撤出的不进其余各列。"
      + "面积以 0.01 ㎡ 的整数求和，换算成亩时四舍五入一次，所以各行取整之和可能与合计差 0.01。"
      + "不筛选时各格等于 summary.csv。"));
}
