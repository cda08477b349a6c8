/* 画布层：成千上万个面在一层里，坐标平铺成一列数；画布、平移、缩放、鼠标由 Leaflet 管。 */

const DIGITS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const digitOf = new Uint8Array(128);
[...DIGITS].forEach((sign, digit) => { digitOf[sign.charCodeAt(0)] = digit; });
const GAP = " ".charCodeAt(0); // 环与环之间
const LEAST_STEP = 0.25; // 像素的平方：离上一点比这还近的点不画
const DOT = 0.1; // 像素：缩成一点的面画成这么长的一笔，笔头是圆的
const NEAR_PX = 4; // 像素：离边这么近也算点中
const RING = [{ color: "#ffffff", weight: 8 }, { color: "#111111", weight: 3 }]; // 选中的图斑
const WIDEST = 8;

/** Shapes as flat numbers: points at zoom 0, where rings and shapes end, boxes. */
function flattened(texts) {
  const xy = new Float64Array(texts.reduce((sum, text) => sum + text.length, 0));
  const [ringEnds, shapeEnds, boxes] = [[], [], []];
  let at = 0;
  for (const text of texts) {
    const start = at;
    at = unrolled(text, xy, start, ringEnds);
    shapeEnds.push(ringEnds.length);
    boxes.push(boxOf(xy, start, at));
  }
  return { xy, ringEnds, shapeEnds, boxes };
}

/** Write the points of a shape's text (base64 VLQ, see page/shapes.py), note where rings end. */
function unrolled(text, xy, start, ringEnds) {
  const at = [...page.origin];
  let end = start;
  let number = 0;
  let shift = 0;
  for (let k = 0; k < text.length; k += 1) {
    const sign = text.charCodeAt(k);
    if (sign === GAP) {
      ringEnds.push(end);
      at.splice(0, 2, ...page.origin);
      continue;
    }
    const digit = digitOf[sign];
    number += (digit & 31) << shift;
    shift += 5;
    if (digit & 32) continue;
    const axis = (end - start) & 1;
    at[axis] += number & 1 ? -(number >> 1) : number >> 1;
    xy[end] = axis ? northing(at[1]) : easting(at[0]);
    end += 1;
    number = 0;
    shift = 0;
  }
  if (text) ringEnds.push(end);
  return end;
}

/** Millionths of a degree as a place on Leaflet's map at zoom 0: the Mercator projection. */
const easting = (x) => 128 + x * (128 / 180e6);
const northing = (y) => 128 - Math.log(Math.tan((y + 90e6) * (Math.PI / 360e6))) * (128 / Math.PI);

/** The box around points; around none it touches nothing. */
function boxOf(xy, start, end) {
  const box = { west: Infinity, north: Infinity, east: -Infinity, south: -Infinity };
  for (let k = start; k < end; k += 2) {
    if (xy[k] < box.west) box.west = xy[k];
    if (xy[k] > box.east) box.east = xy[k];
    if (xy[k + 1] < box.north) box.north = xy[k + 1];
    if (xy[k + 1] > box.south) box.south = xy[k + 1];
  }
  return box;
}

/** Whether two boxes touch when the first is widened by so much. */
function touch(box, other, by = 0) {
  return box.west - by <= other.east && box.east + by >= other.west
    && box.north - by <= other.south && box.south + by >= other.north;
}

/**
 * Shapes as one path on a canvas of Leaflet's. `penOf(i)` says how a shape is drawn, null: it
 * isn't. `ringed` is the shape drawn once more on top; `under` the one the pointer was found on.
 */
const Shapes = L.Path.extend({
  initialize(texts, penOf, options) {
    L.Util.setOptions(this, options);
    Object.assign(this, flattened(texts), { penOf, ringed: -1, under: -1 });
  },

  /** From zoom 0 to the pixels of the map's layer: times `scale`, less the origin. */
  frame() {
    const { x, y } = this._map.getPixelOrigin();
    return { scale: 2 ** this._map.getZoom(), x, y };
  },

  /** Pixels of the world at the map's zoom as a box at zoom 0. */
  view({ min, max }) {
    const { scale } = this.frame();
    return { west: min.x / scale, north: min.y / scale, east: max.x / scale, south: max.y / scale };
  },

  /** A box at zoom 0 as bounds of the map. */
  bounds({ west, north, east, south }) {
    return L.latLngBounds(this._map.unproject([west, south], 0), this._map.unproject([east, north], 0));
  },

  _project() {
    this._pxBounds = this._renderer._bounds; // 画布多大就管多大：看不见的面画的时候跳过
  },

  _update() {
    this._project();
  },

  _updatePath() {
    const frame = this.frame();
    const { min, max } = this._renderer._bounds;
    const view = this.view({ min: min.add(frame), max: max.add(frame) });
    for (let i = 0; i < this.boxes.length; i += 1) {
      const pen = touch(this.boxes[i], view, WIDEST / frame.scale) ? this.penOf(i) : null;
      if (pen) this.draw(i, pen, frame);
    }
    if (this.ringed >= 0) for (const pen of RING) this.draw(this.ringed, pen, frame);
  },

  /** Draw one shape with a pen: { fill, fillOpacity, color, weight, dash }. */
  draw(i, pen, frame) {
    const paper = this._renderer._ctx;
    paper.beginPath();
    for (let ring = this.firstRing(i); ring < this.shapeEnds[i]; ring += 1) this.trace(ring, frame, pen);
    if (pen.fillOpacity) {
      paper.globalAlpha = pen.fillOpacity;
      paper.fillStyle = pen.fill;
      paper.fill("evenodd");
    }
    if (!pen.weight) return;
    paper.globalAlpha = 1;
    paper.lineWidth = pen.weight;
    paper.strokeStyle = pen.color;
    paper.lineCap = "round";
    paper.lineJoin = "round";
    paper.setLineDash(pen.dash || []);
    paper.stroke();
  },

  /** Add a ring to the path, without points that fall together and without lines out of sight. */
  trace(ring, { scale, x, y }, pen) {
    const { _ctx: paper, _bounds: { min, max } } = this._renderer;
    const start = this.firstNumber(ring);
    const end = this.ringEnds[ring];
    let lastX = this.xy[start] * scale - x;
    let lastY = this.xy[start + 1] * scale - y;
    let lines = 0;
    paper.moveTo(lastX, lastY);
    for (let k = start + 2; k <= end; k += 2) {
      const nextX = this.xy[k < end ? k : start] * scale - x;
      const nextY = this.xy[k < end ? k + 1 : start + 1] * scale - y;
      if ((nextX - lastX) ** 2 + (nextY - lastY) ** 2 < LEAST_STEP) continue;
      const away = (nextX < min.x && lastX < min.x) || (nextX > max.x && lastX > max.x)
        || (nextY < min.y && lastY < min.y) || (nextY > max.y && lastY > max.y);
      if (away && !pen.fillOpacity) paper.moveTo(nextX, nextY); // 虚线画到图外很费时
      else paper.lineTo(nextX, nextY);
      lastX = nextX;
      lastY = nextY;
      lines += 1;
    }
    if (!lines) paper.lineTo(lastX + DOT, lastY);
  },

  firstRing(i) {
    return i ? this.shapeEnds[i - 1] : 0;
  },

  firstNumber(ring) {
    return ring ? this.ringEnds[ring - 1] : 0;
  },

  _containsPoint(point) {
    const { scale, x, y } = this.frame();
    const atX = (point.x + x) / scale;
    const atY = (point.y + y) / scale;
    const near = NEAR_PX / scale;
    const here = { west: atX, east: atX, north: atY, south: atY };
    this.under = -1;
    for (let i = this.boxes.length - 1; i >= 0 && this.under < 0; i -= 1) { // 上面的先
      if (touch(this.boxes[i], here, near) && this.penOf(i) && this.holds(i, atX, atY, near)) this.under = i;
    }
    return this.under >= 0;
  },

  /** Whether a point lies in a shape (even-odd) or so near to its edge. */
  holds(i, x, y, near) {
    const { xy } = this;
    let inside = false;
    for (let ring = this.firstRing(i); ring < this.shapeEnds[i]; ring += 1) {
      const end = this.ringEnds[ring];
      let j = end - 2;
      for (let k = this.firstNumber(ring); k < end; k += 2) {
        const [ax, ay, dx, dy] = [xy[j], xy[j + 1], xy[k] - xy[j], xy[k + 1] - xy[j + 1]];
        if (ay > y !== ay + dy > y && x < (dx * (y - ay)) / dy + ax) inside = !inside;
        const along = Math.max(0, Math.min(1, ((x - ax) * dx + (y - ay) * dy) / (dx * dx + dy * dy || 1)));
        if ((ax + along * dx - x) ** 2 + (ay + along * dy - y) ** 2 <= near * near) return true;
        j = k;
      }
    }
    return inside;
  },
});
