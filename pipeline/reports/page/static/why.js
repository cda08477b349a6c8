/* 为什么：一个任务的说明，文字来自 explain，数字由 0.01 ㎡ 的整数换算。 */

let explained = null;

/** What is told of tasks, read from the page when it is asked for the first time. */
function whyData() {
  explained = explained || JSON.parse(document.getElementById("why-data").textContent);
  return explained;
}

/** Degrees as 109°06′12.3″, from millionths of a degree. */
function degrees(millionths) {
  const tenths = Math.round(millionths * 0.036); // 0.1″
  const two = (number) => String(Math.floor(number)).padStart(2, "0");
  const rest = tenths % 600;
  const [whole, minutes] = [Math.floor(tenths / 36000), Math.floor(tenths / 600) % 60];
  return `${whole}°${two(minutes)}′${two(rest / 10)}.${rest % 10}″`;
}

/** Where a point lies, in both notations. */
function position([x, y]) {
  return `东经 ${degrees(x)}，北纬 ${degrees(y)}（${decimal(x, 6)}, ${decimal(y, 6)}）`;
}

/** A share as explain prints it. */
function share(part, whole) {
  return whole ? `${mu(part)} 亩（${percent(part, whole)}%）` : `${mu(part)} 亩`;
}

/** A line “名称：内容” as a pair of a description list. */
function pair(line) {
  const at = line.indexOf("：");
  return [element("dt", {}, line.slice(0, at)), element("dd", {}, line.slice(at + 1))];
}

const pairs = (lines) => element("dl", {}, ...lines.flatMap(pair));
const lineOf = (n) => whyData().lines[n];

/** What is known of the task itself. */
function facts(i) {
  const day = (n) => page.days[n];
  const lines = [
    `标识码：${tasks.bsm[i]}（图斑编号 ${whyData().tbbh[i] || "空"}）`,
    `位置：${page.about.county} ${place(i)}`,
    `面积：${mu(tasks.area[i])} 亩（${squareMetres(tasks.area[i])} ㎡）`,
    `已恢复：${mu(tasks.restored[i])} 亩；剩余 ${mu(tasks.remaining[i])} 亩`,
    `列入台账：${day(tasks.seen[i])}${tasks.closed[i] < 0 ? "" : `；销号 ${day(tasks.closed[i])}`}`,
  ];
  if (mapped && page.points[i]) lines.push(`内点坐标：${position(page.points[i])}`);
  return lines;
}

/** The link to the task's sheet of the map book; the page stands as text for readers that ignore it. */
function sheetLine(i) {
  const sheet = whyData().sheet[i];
  if (!sheet) return null;
  const link = element("a", { href: `${page.about.book}#page=${sheet[0]}` }, `图册第 ${sheet[0]} 页`);
  return element("p", {}, link, `，图上编号 ${sheet[1]}`);
}

/** The areas of a piece against zones of last year and approvals. */
function overlapLines([, , , area, , , ...overlaps], source) {
  return whyData().overlaps.map((item, n) => {
    const amount = overlaps[n] === null ? "不明" : share(overlaps[n], area);
    return `${item.label}：${amount}${item.approved && source ? `；批准来源：${source}` : ""}`;
  });
}

/** Everything explain says of one piece. */
function pieceBlock(piece, several) {
  const [number, plotNumber, base, , source, land] = piece;
  const why = whyData().reasons[number];
  const approval = source === null ? "" : whyData().sources[source];
  const [zones, previous, lists] = why.evidence.map(lineOf);
  const flags = why.flags.length ? why.flags.map((n) => `标记：${lineOf(n)}`) : ["标记：无"];
  const tried = why.tried.map((n) => element("li", {}, lineOf(n)));
  return element("section", {},
    several ? element("h4", {}, `第 ${plotNumber} 块，${mu(base)} 亩`) : null,
    pairs(why.verdict.map(lineOf)),
    element("h4", {}, "证据"),
    pairs([lineOf(land), zones, previous, ...overlapLines(piece, approval), lists]),
    element("h4", {}, "次选与标记"),
    pairs([lineOf(why.runner_up), ...flags]),
    element("details", {},
      element("summary", {}, `逐条判定（${tried.length} 条规则依次试）`), element("ol", {}, ...tried)));
}

/** What became of the task, export by export. */
function courseBlock(i) {
  const rows = whyData().course[i].map(([day, state, restored, entry, reason]) => element("tr", {},
    element("td", {}, page.days[day]), element("td", {}, whyData().entries[entry]),
    element("td", {}, page.statuses[state].label), element("td", { class: "number" }, mu(restored)),
    element("td", {}, reason < 0 ? "" : lineOf(reason))));
  return element("table", {},
    headRow(["日期", "变动", "状态", "已恢复（亩）", "原因"]), element("tbody", {}, ...rows));
}

/** Fill the tab with the chosen task, or say how to choose one. */
function showWhy(i) {
  const panel = document.getElementById("why");
  if (i < 0) {
    panel.replaceChildren(element("p", { class: "note" }, mapped
      ? "在地图上点一个图斑，或在清单里点一行，这里就说明它为什么归入这一类。"
      : "在清单里点一行，这里就说明这个图斑为什么归入这一类。"));
    return;
  }
  const item = category(i);
  const pieces = whyData().pieces[i];
  panel.replaceChildren(
    element("h2", {}, swatch(item), `${item.long}`,
      element("span", { class: "badge" }, mark(status(i)), status(i).label)),
    element("p", { class: "code" }, `任务 ${tasks.id[i]}`),
    pairs(facts(i)), sheetLine(i) ?? "",
    element("h3", {}, "为什么归入这一类"),
    element("p", { class: "note" },
      `按 ${page.days[tasks.seen[i]]}（列入台账时）的调查成果与名单判定，规则包 ${page.about.pack}`),
    ...pieces.map((piece) => pieceBlock(piece, pieces.length > 1)),
    element("h3", {}, "历次变动"), courseBlock(i));
  panel.scrollTop = 0;
}
