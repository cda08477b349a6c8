/* 打印：把筛选、合计、当前地图、选中图斑的说明和清单排成 A4 横页。 */

const MOST_ROWS = 3000;
const PAPER_PX = 1040; // A4 横放去掉页边，96 点每英寸

const PRINTED = [
  "序号", "类别", "状态", "镇办", "村", "标识码", "面积（亩）", "已恢复（亩）", "剩余（亩）", "列入",
];

/** The printed list: plain rows, since the table on screen holds only those in view. */
function printedList() {
  const rows = order();
  const shown = rows.slice(0, MOST_ROWS);
  const body = shown.map((i, n) => element("tr", {}, ...[
    n + 1, `${category(i).short} ${category(i).label}`, status(i).label, town(i), village(i), tasks.bsm[i],
    mu(tasks.area[i]), mu(tasks.restored[i]), mu(tasks.remaining[i]), page.days[tasks.seen[i]],
  ].map((text) => element("td", {}, String(text)))));
  const short = `共 ${rows.length} 个任务，只印前 ${MOST_ROWS} 个：请先筛选，再分次打印。`;
  return [
    element("h2", {}, `图斑清单（${rows.length} 个任务）`),
    shown.length < rows.length ? element("p", { class: "note" }, short) : "",
    element("table", {}, headRow(PRINTED), element("tbody", {}, ...body)),
  ];
}

/** Lay the page out for paper. */
function beforePrint() {
  const why = document.getElementById("why").cloneNode(true);
  for (const details of why.querySelectorAll("details")) details.open = true;
  const told = selected < 0 ? [] : [element("section", { class: "told" }, ...why.childNodes)];
  document.getElementById("print-head").replaceChildren(
    element("p", {}, element("b", {}, "筛选："), inWords()), ...sumTables());
  document.getElementById("print-list").replaceChildren(...told, ...printedList());
  if (!map) return;
  const { offsetWidth, offsetHeight } = map.getContainer();
  const style = document.documentElement.style;
  style.setProperty("--map-width", `${offsetWidth}px`);
  style.setProperty("--map-height", `${offsetHeight}px`);
  style.setProperty("--map-fit", String(Math.min(1, PAPER_PX / offsetWidth, 620 / offsetHeight)));
}

/** Free what only paper needed. */
function afterPrint() {
  document.getElementById("print-head").replaceChildren();
  document.getElementById("print-list").replaceChildren();
}

window.addEventListener("beforeprint", beforePrint);
window.addEventListener("afterprint", afterPrint);
