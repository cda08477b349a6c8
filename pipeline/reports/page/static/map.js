/* 地图：Leaflet 画布；没有底图瓦片，镇界、水面、道路都在文件里。 */

const NEAR = 15; // 从这一级起图上注类别代号
const MOST_LABELS = 150;
const CLOSEST = 17; // 缩放到一个图斑时最多放到这一级

let renderer = null;
let ground = null;
const outlines = [];
const drawn = new Uint8Array(COUNT);
let halo = null;
let labels = null;

/** Rings in degrees from differences in millionths, each ring beginning where the origin is. */
function ringsOf(coded) {
  const [x0, y0] = page.origin;
  return coded.map((ring) => {
    const points = new Array(ring.length / 2);
    let x = x0;
    let y = y0;
    for (let k = 0; k < ring.length; k += 2) {
      x += ring[k];
      y += ring[k + 1];
      points[k / 2] = new L.LatLng(y / 1e6, x / 1e6);
    }
    return points;
  });
}

/** How a status is drawn, so that it can be told without colour: full, half, hollow, dashed. */
function styleOf(i) {
  const { colour, dark } = category(i);
  const near = map.getZoom() >= NEAR - 1;
  const base = {
    color: near ? dark : colour, weight: near ? 1.6 : 3.2, dashArray: null,
    fillColor: colour, fillOpacity: 0.8,
  };
  switch (status(i).name) {
    case "partial": return { ...base, fillOpacity: 0.35, color: dark };
    case "reopened": return { ...base, color: "#7a0019", weight: 3.5 };
    case "closed": return { ...base, fillOpacity: 0.06, color: dark, weight: 1.6 };
    case "withdrawn": return { ...base, fillOpacity: 0, color: "#5a636b", weight: 1.4, dashArray: "4 3" };
    default: return base;
  }
}

/** A layer of the survey in a quiet tone, below everything. */
function groundLayer(coded, style) {
  L.polygon(ringsOf(coded), { interactive: false, renderer: ground, ...style }).addTo(map);
}

/** Towns with their names, water, roads. */
function drawGround() {
  map.createPane("ground").style.zIndex = 350;
  ground = L.canvas({ pane: "ground" });
  const land = page.ground.towns.flatMap((area) => area.rings);
  groundLayer(land, { stroke: false, fillColor: "#fbfaf4", fillOpacity: 1 });
  for (const layer of page.ground.layers) {
    const { colour, weight } = layer;
    groundLayer(layer.rings, { stroke: weight > 0, color: colour, weight, fillColor: colour, fillOpacity: 1 });
  }
  for (const area of page.ground.towns) {
    groundLayer(area.rings, { color: "#4b5560", weight: 1.6, dashArray: "8 4 2 4", fill: false });
    const [x, y] = area.at;
    const icon = L.divIcon({ className: "town-name", html: element("span", {}, area.name), iconSize: null });
    L.marker([y / 1e6, x / 1e6], { icon, interactive: false, keyboard: false }).addTo(map);
  }
}

/** Make the map with all listed plots on it. */
function makeMap() {
  const still = window.matchMedia("(prefers-reduced-motion: reduce)").matches;
  map = L.map("map", {
    attributionControl: false, zoomControl: false, zoomAnimation: !still, fadeAnimation: false, zoomSnap: 0.5,
    minZoom: 7, maxZoom: 19, wheelPxPerZoomLevel: 90,
  });
  map.fitBounds(boundsOf(page.extent), { animate: false });
  L.control.zoom({ zoomInTitle: "放大", zoomOutTitle: "缩小" }).addTo(map);
  L.control.scale({ imperial: false, maxWidth: 140 }).addTo(map);
  wholeButton().addTo(map);
  drawGround();
  renderer = L.canvas({ padding: 0.2, tolerance: 3 });
  page.shapes.forEach((coded, i) => {
    if (!coded.length) return;
    outlines[i] = L.polygon(ringsOf(coded), {
      renderer, smoothFactor: 1.2, bubblingMouseEvents: false, number: i, ...styleOf(i),
    });
  });
  labels = L.layerGroup().addTo(map);
  followPointer();
  refreshMap();
}

const boundsOf = ([west, south, east, north]) => [[south / 1e6, west / 1e6], [north / 1e6, east / 1e6]];

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
  outlines.forEach((outline, i) => { if (listed[i]) bounds.extend(outline.getBounds()); });
  map.fitBounds(bounds.isValid() ? bounds.pad(0.05) : boundsOf(page.extent), { maxZoom: CLOSEST });
}

/** Tooltip, click, coordinates under the pointer, labels and styles that follow the zoom. */
function followPointer() {
  const tip = L.tooltip({ direction: "top", offset: [0, -6], opacity: 0.95 });
  const listen = L.featureGroup(outlines.filter(Boolean));
  const numberOf = (event) => event.propagatedFrom.options.number;
  listen.on("mouseover", (event) => {
    tip.setContent(element("span", {}, inBrief(numberOf(event)))).setLatLng(event.latlng).openOn(map);
  });
  listen.on("mousemove", (event) => tip.setLatLng(event.latlng));
  listen.on("mouseout", () => map.closeTooltip(tip));
  listen.on("click", (event) => {
    choose(numberOf(event), { scroll: true });
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
  let near = map.getZoom() >= NEAR - 1;
  map.on("zoomend", () => {
    if (near === (map.getZoom() >= NEAR - 1)) return;
    near = !near;
    outlines.forEach((outline, i) => outline.setStyle(styleOf(i)));
  });
  map.on("moveend", showLabels);
}

/** Letters of the category on the plots in view, once they are large enough to be told apart. */
function showLabels() {
  labels.clearLayers();
  if (map.getZoom() < NEAR) return;
  const view = map.getBounds();
  const inView = [];
  for (let i = 0; i < COUNT && inView.length <= MOST_LABELS; i += 1) {
    if (drawn[i] && view.intersects(outlines[i].getBounds())) inView.push(i);
  }
  if (inView.length > MOST_LABELS) return;
  for (const i of inView) {
    const [x, y] = page.points[i];
    const html = element("span", {}, `${category(i).short}${status(i).mark}`);
    const icon = L.divIcon({ className: "plot-name", html, iconSize: null });
    labels.addLayer(L.marker([y / 1e6, x / 1e6], { icon, interactive: false, keyboard: false }));
  }
}

/** Put the listed plots on the map, take the others off. */
function refreshMap() {
  outlines.forEach((outline, i) => {
    if (listed[i] === drawn[i]) return;
    if (listed[i]) map.addLayer(outline);
    else map.removeLayer(outline);
    drawn[i] = listed[i];
  });
  showLabels();
}

/** Ring the chosen plot; zoom to it, or only bring it into view. */
function markPlot(i, zoom) {
  if (halo) halo.remove();
  halo = null;
  const outline = outlines[i];
  if (!outline) return;
  const ring = (style) => L.polygon(outline.getLatLngs(), { interactive: false, fill: false, ...style });
  const rings = [ring({ color: "#ffffff", weight: 8 }), ring({ color: "#111111", weight: 3 })];
  halo = L.featureGroup(rings).addTo(map);
  const bounds = outline.getBounds();
  if (zoom) map.fitBounds(bounds.pad(1), { maxZoom: CLOSEST });
  else if (!map.getBounds().contains(bounds)) map.panInside(bounds.getCenter(), { padding: [60, 60] });
}
