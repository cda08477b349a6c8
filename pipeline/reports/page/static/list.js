/* 清单：Tabulator 表格，只画看得见的行。 */

let table = null;

/** A cell with the category's mark, letters and name. */
function classCell(cell) {
  const item = page.classes[cell.getValue()];
  return element("span", {}, swatch(item), element("b", { class: "short" }, item.short), item.label);
}

/** A cell with the status and its mark. */
function statusCell(cell) {
  const item = page.statuses[cell.getValue()];
  return element("span", {}, mark(item), item.label);
}

const areaCell = (cell) => mu(cell.getValue());

const columns = () => [
  { title: "类别", field: "class", formatter: classCell, minWidth: 182, widthGrow: 2 },
  { title: "状态", field: "status", formatter: statusCell, width: 84 },
  { title: "镇办", field: "town", width: 70, formatter: (cell) => page.towns[cell.getValue()] },
  { title: "村", field: "village", minWidth: 66, widthGrow: 1, sorter: byName },
  { title: "标识码", field: "bsm", width: 148, cssClass: "code" },
  { title: "面积（亩）", field: "area", width: 64, hozAlign: "right", formatter: areaCell },
  { title: "剩余（亩）", field: "remaining", width: 64, hozAlign: "right", formatter: areaCell },
];

let collator = null;

/** Sort villages as a Chinese reader looks them up; of one name by town. */
function byName(a, b, left, right) {
  collator = collator || new Intl.Collator("zh-CN", { numeric: true });
  return collator.compare(a, b) || left.getData().town - right.getData().town;
}

/** Make the table; resolves when its rows can be asked for. */
function makeTable() {
  const rows = Array.from(tasks.id, (_, i) => ({
    id: i, class: tasks.class[i], status: tasks.status[i], town: tasks.town[i],
    village: village(i), bsm: tasks.bsm[i], area: tasks.area[i], remaining: tasks.remaining[i],
  }));
  const numeric = { sorter: "number" };
  table = new Tabulator("#table", {
    data: rows, height: "100%", layout: "fitColumns", selectableRows: "highlight",
    headerSortTristate: true, rowHeight: 27, renderVerticalBuffer: 300,
    initialFilter: [{ field: listedRow }], placeholder: "没有符合条件的图斑：放宽或清除筛选",
    columnDefaults: { resizable: "header", headerHozAlign: "left", headerWordWrap: true },
    columns: columns().map((column) => ({
      ...(["class", "status", "town", "area", "remaining"].includes(column.field) ? numeric : {}),
      ...column,
    })),
  });
  table.on("rowClick", (_, row) => choose(row.getData().id, { zoom: true }));
  table.on("rowDblClick", () => showTab("why"));
  return new Promise((done) => { table.on("tableBuilt", () => { makeReachable(); done(); }); });
}

/** Let the keyboard reach column heads and rows. */
function makeReachable() {
  for (const column of table.getColumns()) {
    const head = column.getElement();
    head.setAttribute("tabindex", "0");
    head.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" && event.key !== " ") return;
      event.preventDefault();
      head.click();
    });
  }
  const holder = document.querySelector("#table .tabulator-tableholder");
  holder.setAttribute("aria-label", "图斑清单：上下键选图斑，回车看说明，空格缩放到图斑");
  holder.addEventListener("keydown", walk);
}

/** Rows as they stand in the table: filtered and sorted. */
const order = () => table.getData("active").map((row) => row.id);

const STEPS = { ArrowDown: 1, ArrowUp: -1, PageDown: 12, PageUp: -12, Home: -Infinity, End: Infinity };

/** Keys in the table. */
function walk(event) {
  if (event.ctrlKey || event.altKey || event.metaKey) return;
  if (event.key in STEPS) {
    const rows = order();
    if (!rows.length) return;
    const at = rows.indexOf(selected);
    const next = at < 0 ? 0 : Math.min(rows.length - 1, Math.max(0, at + STEPS[event.key]));
    event.preventDefault();
    choose(rows[next], { scroll: true });
  } else if (selected >= 0 && (event.key === "Enter" || event.key === " ")) {
    event.preventDefault();
    choose(selected, { zoom: true, scroll: true });
    if (event.key === "Enter") showTab("why", { focus: true });
  }
}

const listedRow = (row) => listed[row.id] === 1;

/** Show what is listed now. */
function refreshTable() {
  table.refreshFilter();
}

/** Mark the chosen row; bring it into view where it is listed. */
function markRow(i, scroll) {
  table.deselectRow();
  if (i < 0) return;
  table.selectRow(i);
  if (scroll && listed[i]) table.scrollToRow(i, "center", false).catch(() => {});
}
