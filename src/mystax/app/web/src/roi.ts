/** Regions: their shapes, handles, moves and entries of a `rois.toml`; all places are picture pixels. */

import { distance, turned, type Point } from "./geometry";

export interface Rectangle {
  readonly form: "rectangle";
  readonly x: number;
  readonly y: number;
  readonly w: number;
  readonly h: number;
}

export interface Ellipse {
  readonly form: "ellipse";
  readonly cx: number;
  readonly cy: number;
  readonly rx: number;
  readonly ry: number;
  /** From x to y [degrees]. */
  readonly angle: number;
}

export interface Polygon {
  readonly form: "polygon";
  readonly points: readonly Point[];
}

export type Shape = Rectangle | Ellipse | Polygon;
export type Form = Shape["form"];

/** Kinds of regions; a reflection is a part of a pupil, and no entry of its own in a file. */
export const KINDS = ["pupil", "motion", "blink", "running", "face", "reflection"] as const;
export type Kind = (typeof KINDS)[number];

/** Which analysis measures a region of a kind, one frame at a time. */
export const ANALYSIS: Readonly<Record<Kind, string>> = {
  pupil: "pupil",
  motion: "motion",
  blink: "blink",
  running: "running",
  face: "pose",
  reflection: "pupil",
};

export interface Region {
  readonly name: string;
  readonly kind: Kind;
  readonly camera: string;
  readonly shape: Shape;
  /** Name of the pupil that a reflection belongs to. */
  readonly of?: string;
  /** What the page does not edit, kept as it came: scale, frame_size, source, confidence. */
  readonly rest: Readonly<Record<string, unknown>>;
}

export interface Handle {
  readonly id: string;
  readonly at: Point;
}

/** Smallest side or axis that a region may have [px]. */
export const LEAST = 2;
const TURN = 14;

function numbersOf(value: unknown): number[] {
  return Array.isArray(value) ? value.map(Number) : [];
}

type Entry = Readonly<Record<string, unknown>>;

function readShape({ rectangle, ellipse, polygon }: Entry): Shape | null {
  if (rectangle !== undefined) {
    const [x = 0, y = 0, w = LEAST, h = LEAST] = numbersOf(rectangle);
    return { form: "rectangle", x, y, w, h };
  }
  if (ellipse !== undefined) {
    const [cx = 0, cy = 0, rx = LEAST, ry = LEAST, angle = 0] = numbersOf(ellipse);
    return { form: "ellipse", cx, cy, rx, ry, angle };
  }
  if (!Array.isArray(polygon)) return null;
  const points = polygon.map((pair) => {
    const [x = 0, y = 0] = numbersOf(pair);
    return { x, y };
  });
  return { form: "polygon", points };
}

function writeShape(shape: Shape): Entry {
  if (shape.form === "rectangle") return { rectangle: [shape.x, shape.y, shape.w, shape.h] };
  if (shape.form === "ellipse") return { ellipse: [shape.cx, shape.cy, shape.rx, shape.ry, shape.angle] };
  return { polygon: shape.points.map(({ x, y }) => [x, y]) };
}

/** Read an entry; null where its shape or its kind is not known. */
export function readRegion(entry: Entry): Region | null {
  const { name, kind, camera, rectangle: _r, ellipse: _e, polygon: _p, ...rest } = entry;
  const found = KINDS.find((one) => one === kind);
  const shape = readShape(entry);
  if (shape === null || found === undefined) return null;
  return { name: String(name), kind: found, camera: String(camera ?? ""), shape, rest };
}

/** Write it as an entry again. */
export function writeRegion({ name, kind, camera, shape, rest }: Region): Entry {
  return { name, kind, ...(camera === "" ? {} : { camera }), ...writeShape(shape), ...rest };
}

/** Regions with the reflections of each as regions of their own behind it. */
export function spread(regions: readonly Region[]): readonly Region[] {
  const names = regions.map(({ name }) => name);
  return regions.flatMap((region): Region[] => {
    const { reflections, ...rest } = region.rest;
    const shapes = Array.isArray(reflections) ? reflections.map((one) => readShape(one as Entry)) : [];
    const spots = shapes.flatMap((shape): Region[] => {
      if (shape === null) return [];
      const name = freeName(names, "reflection", region.name);
      names.push(name);
      return [{ name, kind: "reflection", camera: region.camera, shape, of: region.name, rest: {} }];
    });
    return [{ ...region, rest }, ...spots];
  });
}

/** A region as it is measured and kept: with its reflections. */
export function whole(region: Region, all: readonly Region[]): Region {
  const reflections = all.filter((one) => one.of === region.name).map(({ shape }) => writeShape(shape));
  return reflections.length === 0 ? region : { ...region, rest: { ...region.rest, reflections } };
}

/** The entries of a file: reflections are in those of their pupils. */
export const entriesOf = (all: readonly Region[]): readonly Entry[] =>
  all.filter((one) => one.of === undefined).map((one) => writeRegion(whole(one, all)));

/** The pupil that a new reflection belongs to: the chosen one, else that around its middle, else the last one. */
export function pupilFor(shape: Shape, here: readonly Region[], chosen: string | null): Region | undefined {
  const pupils = here.filter(({ kind }) => kind === "pupil").reverse();
  const { left, right, top, bottom } = bounds(shape);
  const middle = { x: (left + right) / 2, y: (top + bottom) / 2 };
  return pupils.find(({ name }) => name === chosen) ?? pupils.find((one) => contains(one.shape, middle)) ?? pupils[0];
}

/** Corners of the outline: a rectangle goes around its pixels, an ellipse through its axes' ends. */
export function outline(shape: Shape, n = 64): readonly Point[] {
  if (shape.form === "polygon") return shape.points;
  if (shape.form === "rectangle") {
    const [left, top] = [shape.x - 0.5, shape.y - 0.5];
    const [right, bottom] = [left + shape.w, top + shape.h];
    return [
      { x: left, y: top },
      { x: right, y: top },
      { x: right, y: bottom },
      { x: left, y: bottom },
    ];
  }
  return Array.from({ length: n }, (_, k) => {
    const angle = (2 * Math.PI * k) / n;
    const at = turned({ x: shape.rx * Math.cos(angle), y: shape.ry * Math.sin(angle) }, shape.angle);
    return { x: shape.cx + at.x, y: shape.cy + at.y };
  });
}

export interface Bounds {
  readonly left: number;
  readonly top: number;
  readonly right: number;
  readonly bottom: number;
}

/** The box that holds the outline. */
export function bounds(shape: Shape): Bounds {
  const points = outline(shape);
  const xs = points.map(({ x }) => x);
  const ys = points.map(({ y }) => y);
  return { left: Math.min(...xs), top: Math.min(...ys), right: Math.max(...xs), bottom: Math.max(...ys) };
}

/** Tell whether a place is inside the outline (even-odd). */
export function contains(shape: Shape, at: Point): boolean {
  if (shape.form === "ellipse") {
    const { x, y } = turned({ x: at.x - shape.cx, y: at.y - shape.cy }, -shape.angle);
    return (x / shape.rx) ** 2 + (y / shape.ry) ** 2 <= 1;
  }
  const points = outline(shape);
  let isInside = false;
  points.forEach((a, k) => {
    const b = points[(k + points.length - 1) % points.length] ?? a;
    const crosses = a.y > at.y !== b.y > at.y && at.x < ((b.x - a.x) * (at.y - a.y)) / (b.y - a.y) + a.x;
    if (crosses) isInside = !isInside;
  });
  return isInside;
}

/** What can be taken hold of. */
export function handles(shape: Shape): readonly Handle[] {
  if (shape.form === "polygon") return shape.points.map((at, k) => ({ id: String(k), at }));
  if (shape.form === "rectangle") {
    const { left, top, right, bottom } = bounds(shape);
    const [x, y] = [(left + right) / 2, (top + bottom) / 2];
    return [
      { id: "nw", at: { x: left, y: top } },
      { id: "n", at: { x, y: top } },
      { id: "ne", at: { x: right, y: top } },
      { id: "e", at: { x: right, y } },
      { id: "se", at: { x: right, y: bottom } },
      { id: "s", at: { x, y: bottom } },
      { id: "sw", at: { x: left, y: bottom } },
      { id: "w", at: { x: left, y } },
    ];
  }
  const place = (x: number, y: number): Point => {
    const at = turned({ x, y }, shape.angle);
    return { x: shape.cx + at.x, y: shape.cy + at.y };
  };
  return [
    { id: "e", at: place(shape.rx, 0) },
    { id: "s", at: place(0, shape.ry) },
    { id: "w", at: place(-shape.rx, 0) },
    { id: "n", at: place(0, -shape.ry) },
    { id: "turn", at: place(shape.rx + TURN, 0) },
  ];
}

/** The handle within reach of a place, the nearest first. */
export function handleAt(shape: Shape, at: Point, reach: number): string | null {
  const near = handles(shape)
    .map((handle) => ({ id: handle.id, off: distance(handle.at, at) }))
    .filter(({ off }) => off <= reach)
    .sort((a, b) => a.off - b.off);
  return near[0]?.id ?? null;
}

export function moved(shape: Shape, dx: number, dy: number): Shape {
  if (shape.form === "rectangle") return { ...shape, x: Math.round(shape.x + dx), y: Math.round(shape.y + dy) };
  if (shape.form === "ellipse") return { ...shape, cx: shape.cx + dx, cy: shape.cy + dy };
  return { ...shape, points: shape.points.map(({ x, y }) => ({ x: x + dx, y: y + dy })) };
}

function dragRectangle(shape: Rectangle, id: string, to: Point): Rectangle {
  let { left, top, right, bottom } = bounds(shape);
  if (id.includes("w")) left = Math.min(to.x, right - LEAST);
  if (id.includes("e")) right = Math.max(to.x, left + LEAST);
  if (id.includes("n")) top = Math.min(to.y, bottom - LEAST);
  if (id.includes("s")) bottom = Math.max(to.y, top + LEAST);
  const [x, y] = [Math.round(left + 0.5), Math.round(top + 0.5)];
  const w = Math.max(LEAST, Math.round(right + 0.5) - x);
  const h = Math.max(LEAST, Math.round(bottom + 0.5) - y);
  return { form: "rectangle", x, y, w, h };
}

function dragEllipse(shape: Ellipse, id: string, to: Point): Ellipse {
  const away = { x: to.x - shape.cx, y: to.y - shape.cy };
  if (id === "turn") return { ...shape, angle: rounded((Math.atan2(away.y, away.x) * 180) / Math.PI, 1) };
  const { x, y } = turned(away, -shape.angle);
  const isWide = id === "e" || id === "w";
  return isWide ? { ...shape, rx: Math.max(LEAST, Math.abs(x)) } : { ...shape, ry: Math.max(LEAST, Math.abs(y)) };
}

/** The shape after a handle was dragged to a place. */
export function dragged(shape: Shape, id: string, to: Point): Shape {
  if (shape.form === "rectangle") return dragRectangle(shape, id, to);
  if (shape.form === "ellipse") return dragEllipse(shape, id, to);
  return { ...shape, points: shape.points.map((one, k) => (String(k) === id ? to : one)) };
}

/** A new shape between two places: pointer down and pointer up. */
export function between(form: Form, from: Point, to: Point): Shape {
  const [left, right] = [Math.min(from.x, to.x), Math.max(from.x, to.x)];
  const [top, bottom] = [Math.min(from.y, to.y), Math.max(from.y, to.y)];
  if (form === "rectangle") {
    const [x, y] = [Math.round(left), Math.round(top)];
    return { form, x, y, w: Math.max(LEAST, Math.round(right - left)), h: Math.max(LEAST, Math.round(bottom - top)) };
  }
  const [rx, ry] = [Math.max(LEAST, (right - left) / 2), Math.max(LEAST, (bottom - top) / 2)];
  if (form === "ellipse") return { form, cx: (left + right) / 2, cy: (top + bottom) / 2, rx, ry, angle: 0 };
  return {
    form,
    points: [
      { x: left, y: top },
      { x: right, y: top },
      { x: right, y: bottom },
      { x: left, y: bottom },
    ],
  };
}

/** Wider and higher by some pixels, about the same place. */
export function grown(shape: Shape, dw: number, dh: number): Shape {
  if (shape.form === "rectangle") {
    return { ...shape, w: Math.max(LEAST, shape.w + dw), h: Math.max(LEAST, shape.h + dh) };
  }
  if (shape.form === "ellipse") {
    return { ...shape, rx: Math.max(LEAST, shape.rx + dw), ry: Math.max(LEAST, shape.ry + dh) };
  }
  const { left, top, right, bottom } = bounds(shape);
  const scale = (side: number, more: number): number => Math.max(LEAST, side + more) / Math.max(LEAST, side);
  const [x0, y0] = [(left + right) / 2, (top + bottom) / 2];
  const [sx, sy] = [scale(right - left, dw), scale(bottom - top, dh)];
  return { ...shape, points: shape.points.map(({ x, y }) => ({ x: x0 + (x - x0) * sx, y: y0 + (y - y0) * sy })) };
}

/** Moved back so that as much as possible is in a picture. */
export function held(shape: Shape, width: number, height: number): Shape {
  const { left, top, right, bottom } = bounds(shape);
  const back = (low: number, high: number, size: number): number => {
    if (low < -0.5) return -0.5 - low;
    return high > size - 0.5 ? Math.max(size - 0.5 - high, -0.5 - low) : 0;
  };
  const [dx, dy] = [back(left, right, width), back(top, bottom, height)];
  return dx === 0 && dy === 0 ? shape : moved(shape, dx, dy);
}

export interface TypedNumber {
  readonly label: string;
  readonly value: number;
}

/** The numbers that are typed, as in a file. */
export function typed(shape: Shape): readonly TypedNumber[] {
  if (shape.form === "rectangle") {
    const { x, y, w, h } = shape;
    return [
      { label: "x", value: x },
      { label: "y", value: y },
      { label: "width", value: w },
      { label: "height", value: h },
    ];
  }
  if (shape.form === "ellipse") {
    const { cx, cy, rx, ry, angle } = shape;
    return [
      { label: "centre x", value: cx },
      { label: "centre y", value: cy },
      { label: "half width", value: rx },
      { label: "half height", value: ry },
      { label: "angle", value: angle },
    ];
  }
  return shape.points.flatMap(({ x, y }, k) => [
    { label: `x ${k + 1}`, value: x },
    { label: `y ${k + 1}`, value: y },
  ]);
}

/** The shape with one of its numbers typed anew; numbers that it cannot have are refused (null). */
export function retyped(shape: Shape, index: number, value: number): Shape | null {
  if (!Number.isFinite(value)) return null;
  if (shape.form === "polygon") {
    const points = shape.points.map((one, k) => {
      if (k !== Math.floor(index / 2)) return one;
      return index % 2 === 0 ? { x: value, y: one.y } : { x: one.x, y: value };
    });
    return { ...shape, points };
  }
  const isSize = index === 2 || index === 3;
  if (isSize && value < LEAST) return null;
  if (shape.form === "rectangle") {
    const name = (["x", "y", "w", "h"] as const)[index];
    return name === undefined ? null : { ...shape, [name]: Math.round(value) };
  }
  const name = (["cx", "cy", "rx", "ry", "angle"] as const)[index];
  return name === undefined ? null : { ...shape, [name]: value };
}

/** A name that no other region has. */
export function freeName(taken: readonly string[], kind: string, camera: string): string {
  const base = camera === "" ? kind : `${camera}_${kind}`;
  if (!taken.includes(base)) return base;
  let number = 2;
  while (taken.includes(`${base}_${number}`)) number += 1;
  return `${base}_${number}`;
}

export interface Picture {
  readonly name: string;
  readonly width: number;
  readonly height: number;
}

/** The region as another camera has it: at the same place, as far as its picture goes; what belongs to the view stays behind. */
export function copied(region: Region, camera: Picture, taken: readonly string[]): Region {
  const ofView = ["confidence", "reflections", "scale"];
  const kept = Object.fromEntries(Object.entries(region.rest).filter(([key]) => !ofView.includes(key)));
  const rest = { ...kept, source: "drawn", frame_size: [camera.width, camera.height] };
  const name = freeName(taken, region.kind, camera.name);
  return { ...region, name, camera: camera.name, shape: tidy(held(region.shape, camera.width, camera.height)), rest };
}

export function rounded(value: number, digits: number): number {
  const unit = 10 ** digits;
  return Math.round(value * unit) / unit;
}

/** The shape with its numbers as they are kept: hundredths of a pixel. */
export function tidy(shape: Shape): Shape {
  const r = (value: number): number => rounded(value, 2);
  if (shape.form === "rectangle") return shape;
  if (shape.form === "polygon") return { ...shape, points: shape.points.map(({ x, y }) => ({ x: r(x), y: r(y) })) };
  return { ...shape, cx: r(shape.cx), cy: r(shape.cy), rx: r(shape.rx), ry: r(shape.ry), angle: r(shape.angle) };
}
