/** A view of points in space, turned by hand: projection to a canvas, without a 3-D library. */

export type Vector = readonly [number, number, number];
export type Matrix = readonly [Vector, Vector, Vector];

export interface Orbit {
  /** Rows are the directions right, down and away, as in a camera. */
  readonly rotation: Matrix;
  /** What is in the middle [mm]. */
  readonly centre: Vector;
  /** Picture pixels per mm in the plane of the centre. */
  readonly scale: number;
  /** Distance of the eye [mm]; Infinity for an orthographic view. */
  readonly distance: number;
}

export interface Projected {
  readonly x: number;
  readonly y: number;
  /** Distance behind the centre [mm]. */
  readonly depth: number;
}

export const IDENTITY: Matrix = [
  [1, 0, 0],
  [0, 1, 0],
  [0, 0, 1],
];

const dot = (a: Vector, b: Vector): number => a[0] * b[0] + a[1] * b[1] + a[2] * b[2];

export function times(a: Matrix, b: Matrix): Matrix {
  const column = (k: 0 | 1 | 2): Vector => [b[0][k], b[1][k], b[2][k]];
  const row = (one: Vector): Vector => [dot(one, column(0)), dot(one, column(1)), dot(one, column(2))];
  return [row(a[0]), row(a[1]), row(a[2])];
}

/** Turned by a drag: to the right turns about the picture's vertical, down about its horizontal [rad]. */
export function orbited(view: Orbit, yaw: number, pitch: number): Orbit {
  const [cy, sy, cp, sp] = [Math.cos(yaw), Math.sin(yaw), Math.cos(pitch), Math.sin(pitch)];
  const aboutY: Matrix = [
    [cy, 0, sy],
    [0, 1, 0],
    [-sy, 0, cy],
  ];
  const aboutX: Matrix = [
    [1, 0, 0],
    [0, cp, sp],
    [0, -sp, cp],
  ];
  return { ...view, rotation: times(aboutX, times(aboutY, view.rotation)) };
}

/** Place of a point in a panel; null behind the eye. */
export function projected(view: Orbit, point: Vector, width: number, height: number): Projected | null {
  const away: Vector = [point[0] - view.centre[0], point[1] - view.centre[1], point[2] - view.centre[2]];
  const [right, down, depth] = view.rotation.map((row) => dot(row, away)) as [number, number, number];
  if (!Number.isFinite(right + down + depth)) return null;
  const near = view.distance === Infinity ? 1 : view.distance / (view.distance + depth);
  if (!(near > 0) || near === Infinity) return null;
  return { x: width / 2 + right * view.scale * near, y: height / 2 + down * view.scale * near, depth };
}

/** Middle and radius of points; those that are missing are left out. */
export function extent(points: readonly Vector[]): { readonly centre: Vector; readonly radius: number } {
  const found = points.filter((point) => point.every(Number.isFinite));
  if (found.length === 0) return { centre: [0, 0, 0], radius: 1 };
  const middle = (k: 0 | 1 | 2): number => {
    const sorted = found.map((point) => point[k]).sort((a, b) => a - b);
    return ((sorted[0] ?? 0) + (sorted[sorted.length - 1] ?? 0)) / 2;
  };
  const centre: Vector = [middle(0), middle(1), middle(2)];
  const radius = Math.max(...found.map((p) => Math.hypot(p[0] - centre[0], p[1] - centre[1], p[2] - centre[2])));
  return { centre, radius: Math.max(radius, 1e-6) };
}

/** A view in which all points can be seen, from a direction. */
export function framed(points: readonly Vector[], rotation: Matrix, width: number, height: number, isFlat = true): Orbit {
  const { centre, radius } = extent(points);
  const scale = (0.42 * Math.min(width, height)) / radius;
  return { rotation, centre, scale, distance: isFlat ? Infinity : 5 * radius };
}

export const zoomedBy = (view: Orbit, factor: number): Orbit => ({
  ...view,
  scale: Math.min(1e4, Math.max(1e-3, view.scale * factor)),
});

/** A round length for a scale bar of about a share of the panel [mm]. */
export function barLength(scale: number, width: number, share = 0.2): number {
  const wanted = (width * share) / scale;
  const power = 10 ** Math.floor(Math.log10(wanted));
  const step = [5, 2, 1].find((one) => one * power <= wanted) ?? 1;
  return step * power;
}
