/* The map: plate carrée in an SVG, one unit a degree, y to the south. */

import { LAND } from "./land.js";

const SVG = "http://www.w3.org/2000/svg";
const WORLD = [-180, -90, 360, 180];

function shape(name, attributes) {
  const node = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
  return node;
}

/** Paths of a GeoJSON geometry, in map units. */
function pathOf(geometry) {
  if (!geometry) return "";
  const ring = (points, end) => `M${points.map(([x, y]) => `${x},${-y}`).join(" ")}${end}`;
  const dot = ([x, y]) => `M${x - 0.4},${-y}a.4,.4 0 1,0 .8,0a.4,.4 0 1,0-.8,0`;
  const { type, coordinates } = geometry;
  switch (type) {
    case "Point": return dot(coordinates);
    case "MultiPoint": return coordinates.map(dot).join("");
    case "LineString": return ring(coordinates, "");
    case "MultiLineString": return coordinates.map((line) => ring(line, "")).join("");
    case "Polygon": return coordinates.map((one) => ring(one, "Z")).join("");
    case "MultiPolygon": return coordinates.flat().map((one) => ring(one, "Z")).join("");
    case "GeometryCollection": return geometry.geometries.map(pathOf).join("");
    default: return "";
  }
}

/** The polygon or polygons of a box; one that crosses the antimeridian is two. */
export function boxGeometry([west, south, east, north]) {
  const flat = (w, e) => [[[w, south], [e, south], [e, north], [w, north], [w, south]]];
  if (west <= east) return { type: "Polygon", coordinates: flat(west, east) };
  return { type: "MultiPolygon", coordinates: [flat(west, 180), flat(-180, east)] };
}

export class WorldMap {
  constructor(svg) {
    this.svg = svg;
    this.view = [...WORLD];
    const grid = [];
    for (let x = -150; x < 180; x += 30) grid.push(`M${x},-90V90`);
    for (let y = -60; y < 90; y += 30) grid.push(`M-180,${y}H180`);
    this.footprints = shape("g", { class: "footprints" });
    this.box = shape("path", { class: "box" });
    svg.append(
      shape("rect", { class: "sea", x: -180, y: -90, width: 360, height: 180 }),
      shape("path", { class: "land", d: LAND, "fill-rule": "evenodd" }),
      shape("path", { class: "grid", d: grid.join("") }),
      this.footprints, this.box,
    );
    this.drawing = null;
    svg.addEventListener("wheel", (event) => {
      event.preventDefault();
      this.zoom(event.deltaY > 0 ? 1.25 : 0.8, this.place(event));
    }, { passive: false });
    svg.addEventListener("pointerdown", (event) => this.grab(event));
    this.show();
  }

  show() {
    this.svg.setAttribute("viewBox", this.view.join(" "));
  }

  place(event) {
    const at = new DOMPoint(event.clientX, event.clientY).matrixTransform(this.svg.getScreenCTM().inverse());
    return [at.x, at.y];
  }

  zoom(factor, [x, y] = [this.view[0] + this.view[2] / 2, this.view[1] + this.view[3] / 2]) {
    const width = Math.min(360, Math.max(0.5, this.view[2] * factor));
    const by = width / this.view[2];
    this.look([x - (x - this.view[0]) * by, y - (y - this.view[1]) * by, width, width / 2]);
  }

  /** Look at a part of the world, kept within it. */
  look([x, y, width, height]) {
    this.view = [
      Math.max(-180, Math.min(180 - width, x)), Math.max(-90, Math.min(90 - height, y)), width, height,
    ];
    this.show();
  }

  whole() {
    this.look(WORLD);
  }

  /** Look at boxes (west, south, east, north), with a margin. */
  fit(boxes) {
    const plain = boxes.filter((one) => one && one[0] <= one[2]);
    if (!plain.length || plain.length < boxes.length) return this.whole();
    const west = Math.min(...plain.map((one) => one[0])), south = Math.min(...plain.map((one) => one[1]));
    const east = Math.max(...plain.map((one) => one[2])), north = Math.max(...plain.map((one) => one[3]));
    const width = Math.min(360, Math.max(30, (east - west) * 1.6, (north - south) * 3.2));
    return this.look([(west + east - width) / 2, -(south + north) / 2 - width / 4, width, width / 2]);
  }

  /** Show footprints: `{id, geometry, label}`; whoever is pointed at is told to `over`. */
  footprint(list, over = () => {}) {
    this.footprints.replaceChildren(...list.map(({ id, geometry, label }) => {
      const path = shape("path", { d: pathOf(geometry), "data-id": id });
      path.append(shape("title", {}));
      path.firstChild.textContent = label;
      path.addEventListener("pointerenter", () => over(id, true));
      path.addEventListener("pointerleave", () => over(id, false));
      return path;
    }));
  }

  highlight(id, on) {
    for (const path of this.footprints.children) {
      if (path.dataset.id !== id) continue;
      path.classList.toggle("over", on);
      if (on) this.footprints.append(path);
      break;
    }
  }

  /** Show the box of a search, or none. */
  setBox(box) {
    this.box.setAttribute("d", box ? pathOf(boxGeometry(box)) : "");
  }

  /** Let the next drag draw a box; resolves to (west, south, east, north). */
  draw() {
    this.svg.classList.add("drawing");
    return new Promise((resolve) => { this.drawing = resolve; });
  }

  grab(event) {
    this.svg.setPointerCapture(event.pointerId);
    const start = this.place(event), view = [...this.view];
    const done = this.drawing;
    const box = ([x, y]) => [start[0], x, -start[1], -y].map((value) => Math.round(value * 100) / 100);
    const corners = (at) => {
      const [x1, x2, y1, y2] = box(at);
      const clip = (value, limit) => Math.max(-limit, Math.min(limit, value));
      return [clip(Math.min(x1, x2), 180), clip(Math.min(y1, y2), 90), clip(Math.max(x1, x2), 180), clip(Math.max(y1, y2), 90)];
    };
    const move = (next) => {
      if (done) return this.setBox(corners(this.place(next)));
      const scale = view[2] / this.svg.clientWidth;
      return this.look([
        view[0] - (next.clientX - event.clientX) * scale, view[1] - (next.clientY - event.clientY) * scale, view[2], view[3],
      ]);
    };
    const drop = (last) => {
      this.svg.removeEventListener("pointermove", move);
      this.svg.removeEventListener("pointerup", drop);
      if (!done) return;
      this.drawing = null;
      this.svg.classList.remove("drawing");
      done(corners(this.place(last)));
    };
    this.svg.addEventListener("pointermove", move);
    this.svg.addEventListener("pointerup", drop);
  }
}
