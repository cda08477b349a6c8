/* 地图：Leaflet 画布；没有底图瓦片，镇界、水面、道路都在文件里。 */

const NEAR = 15; // 从这一级起图上注类别代号
const MOST_LABELS = 150;
const CLOSEST = 17; // 缩放到一个图斑时最多放到这一级

let plots = null;
let labels = null;

/** How a status is drawn, so that it can be told without colour: full, half, hollow, dashed. */
function penFor({ colour, dark }, state, near) {
  const pen = { fill: colour, fillOpacity: 0.8, color: near ? dark : colour, weight: near ? 1.6 : 3.2 };
  switch (state) {
    case "partial": return { ...pen, fillOpacity: 0.35, color: dark };
    case "reopened": return { ...pen, color: "#7a0019", weight: 3.5 };
    case "closed": return { ...pen, fillOpacity: 0.06, color: dark, weight: 1.6 };
    case "withdrawn": return { color: "#5a636b", weight: 1.4, dash: [4, 3] };
    default: return pen;
  }
}

/** Towns with their names, water, roads, in quiet tones below everything. */
function drawGround() {
  map.createPane("ground").style.zIndex = 350;
  const below = { interactive: false, renderer: L.canvas({ pane: "ground" }) };
  const lay = (texts, pen) => new Shapes(texts, () => pen, below).addTo(map);
  const { towns, layers } = page.ground;
  const outlines = towns.map((area) => area.rings);
  lay(outlines, { fill: "#fbfaf4", fillOpacity: 1 });
  for (const { colour, weight, rings } of layers) {
    lay(rings, { fill: colour, fillOpacity: 1, color: colour, weight });
  }
  lay(outlines, { color: "#4b5560", weight: 1.6, dash: [8, 4, 2, 4] });
  const names = towns.map((area) => textAt(area.at, "town-name", area.name).addTo(map));
  map.on("zoomend", () => makeRoom(names));
  makeRoom(names);
}

/** Show the names that have room at this zoom, one after the other; the others wait for a nearer one. */
function makeRoom(names) {
  const shown = [];
  for (const name of names) {
    const { offsetWidth: wide, offsetHeight: high } = name.getElement().firstChild;
    const { x, y } = map.latLngToLayerPoint(name.getLatLng());
    const box = { west: x - wide / 2, east: x + wide / 2, north: y - high / 2, south: y + high / 2 };
    const free = !shown.some((other) => touch(box, other));
    if (free) shown.push(box);
    name.getElement().style.visibility = free ? "" : "hidden";
  }
}

/** A text that stands at a point of the map. */
function textAt([x, y], kind, text) {
  const icon = L.divIcon({ className: kind, html: element("span", {}, text), iconSize: null });
  return L.marker([y / 1e6, x / 1e6], { icon, interactive: false, keyboard: false });
}

/** Make the map with all listed plots on it. */
function makeMap() {
  const still = window.matchMedia("(prefers-reduced-motion: reduce)").matches;
  map = L.map("map", {
    attributionControl: false, zoomControl: false, zoomAnimation: !still, fadeAnimation: false, zoomSnap: 0.5,
    minZoom: 7, maxZoom: 19, wheelPxPerZoomLevel: 90,
  });
  map.fitBounds(county(), { animate: false });
  L.control.zoom({ zoomInTitle: "放大", zoomOutTitle: "缩小" }).addTo(map);
  L.control.scale({ imperial: false, maxWidth: 140 }).addTo(map);
  wholeButton().addTo(map);
  drawGround();
  drawPlots();
  labels = L.layerGroup().addTo(map);
  followPointer();
}

/** The plots: one layer, whose pens follow the filter and the zoom. */
function drawPlots() {
  const pens = [false, true].map((near) => page.classes.map(
    (item) => page.statuses.map((state) => penFor(item, state.name, near))));
  const penOf = (i) => {
    if (!listed[i]) return null;
    return pens[Number(map.getZoom() >= NEAR - 1)][tasks.class[i]][tasks.status[i]];
  };
  plots = new Shapes(page.shapes, penOf, { renderer: L.canvas({ padding: 0.2 }) }).addTo(map);
}

/** The bounds of all there is. */
function county() {
  const [west, south, east, north] = page.extent;
  return [[south / 1e6, west / 1e6], [north / 1e6, east / 1e6]];
}

/** The button that shows the whole county again. */
function wholeButton() {
  const control = L.control({ position: "topleft" });
  control.onAdd = () => {
    const button = element("button", { type: "button", class: "whole", title: "看全部列出的图斑" }, "全图");
    L.DomEvent.disableClickPropagation(button);
    button.addEventListener("click", () => showWhole());
    return button;
  };
  return control;
}

/** Zoom to all listed plots, to the county where there are none. */
function showWhole() {
  const bounds = L.latLngBounds([]);
  plots.boxes.forEach((box, i) => { if (listed[i] && page.shapes[i]) bounds.extend(plots.bounds(box)); });
  map.fitBounds(bounds.isValid() ? bounds.pad(0.05) : county(), { maxZoom: CLOSEST });
}

/** Tooltip, click, coordinates under the pointer, labels that follow the view. */
function followPointer() {
  const tip = L.tooltip({ direction: "top", offset: [0, -6], opacity: 0.95 });
  let told = -1;
  plots.on("mousemove", (event) => {
    if (told !== plots.under) tip.setContent(element("span", {}, inBrief(plots.under)));
    told = plots.under;
    tip.setLatLng(event.latlng).openOn(map);
  });
  plots.on("mouseout", () => map.closeTooltip(tip));
  plots.on("click", () => {
    choose(plots.under, { scroll: true });
    showTab("why");
  });
  const where = document.getElementById("where");
  const tell = (label, { lng, lat }) => {
    where.textContent = `${label}：${position([Math.round(lng * 1e6), Math.round(lat * 1e6)])}`;
  };
  map.on("mousemove", (event) => tell("指针", event.latlng));
  const tellCentre = () => tell("图中心", map.getCenter());
  map.on("mouseout moveend", tellCentre);
  tellCentre();
  map.on("moveend", showLabels);
}

/** Letters of the category on the plots in view, once they are large enough to be told apart. */
function showLabels() {
  labels.clearLayers();
  if (map.getZoom() < NEAR) return;
  const view = plots.view(map.getPixelBounds());
  const inView = [];
  for (let i = 0; i < COUNT && inView.length <= MOST_LABELS; i += 1) {
    if (listed[i] && touch(plots.boxes[i], view)) inView.push(i);
  }
  if (inView.length > MOST_LABELS) return;
  for (const i of inView) {
    labels.addLayer(textAt(page.points[i], "plot-name", `${category(i).short}${status(i).mark}`));
  }
}

/** Draw the listed plots, and no others. */
function refreshMap() {
  plots.redraw();
  showLabels();
}

/** Ring the chosen plot; zoom to it, or only bring it into view. */
function markPlot(i, zoom) {
  plots.ringed = i >= 0 && page.shapes[i] ? i : -1;
  plots.redraw();
  if (plots.ringed < 0) return;
  const bounds = plots.bounds(plots.boxes[i]);
  if (zoom) map.fitBounds(bounds.pad(1), { maxZoom: CLOSEST });
  else if (!map.getBounds().contains(bounds)) map.panInside(bounds.getCenter(), { padding: [60, 60] });
}
