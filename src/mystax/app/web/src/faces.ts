/** Mean faces as they are drawn: points in a plane, y down, and the window that holds them. */

import { numbers, type Envelope } from "./envelope";

export type Place = readonly [number, number];
export type Line = readonly [number, number];

export interface Face {
  readonly places: readonly Place[];
  /** Standard deviation along x and y. */
  readonly spread: readonly Place[];
}

export interface Faces {
  /** What each view is called; one without a name is the picture itself. */
  readonly views: readonly string[];
  readonly unit: string;
  readonly edges: readonly Line[];
  /** The mean of all frames, in each view. */
  readonly grand: ReadonlyArray<readonly Place[]>;
  /** State 1 first, each in every view. */
  readonly states: ReadonlyArray<readonly Face[]>;
}

const isKnown = (place: Place | undefined): place is Place => place !== undefined && place.every(Number.isFinite);

/** Read what the server gives: arrays (state, view, keypoint, 2). */
export function facesOf(body: Envelope): Faces {
  const { views, edges, unit } = body.header as { views: readonly string[]; edges: readonly Line[]; unit: string };
  const [n, v, k] = body.arrays.get("face_mean")?.shape ?? [];
  const [mean, spread, grand] = ["face_mean", "face_sd", "grand_mean"].map((name) => numbers(body, name));
  const points = v === undefined ? 0 : (k ?? 0);
  const part = (values: ArrayLike<number> | undefined, first: number): Place[] =>
    Array.from({ length: points }, (_, j) => [values?.[2 * (first + j)] ?? NaN, values?.[2 * (first + j) + 1] ?? NaN]);
  const seen = Array.from({ length: v ?? 0 }, (_, view) => view);
  return {
    views,
    unit,
    edges,
    grand: seen.map((view) => part(grand, view * points)),
    states: Array.from({ length: n ?? 0 }, (_, state) =>
      seen.map((view) => {
        const first = (state * seen.length + view) * points;
        return { places: part(mean, first), spread: part(spread, first) };
      }),
    ),
  };
}

export interface Window {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/** The window that holds places, with room around them; null where no place is known. */
export function windowOf(places: readonly Place[], margin = 0.18): Window | null {
  const known = places.filter(isKnown);
  if (known.length === 0) return null;
  const [xs, ys] = [known.map(([x]) => x), known.map(([, y]) => y)];
  const [left, right, top, bottom] = [Math.min(...xs), Math.max(...xs), Math.min(...ys), Math.max(...ys)];
  const pad = margin * Math.max(right - left, bottom - top, 1e-9);
  return { x: left - pad, y: top - pad, width: right - left + 2 * pad, height: bottom - top + 2 * pad };
}

/** The edges of a face as one path; edges of points that are not known are left out. */
export function pathOf(places: readonly Place[], edges: readonly Line[]): string {
  const parts = edges.flatMap(([a, b]) => {
    const [one, other] = [places[a], places[b]];
    return isKnown(one) && isKnown(other) ? [`M${one.map(short).join(" ")}L${other.map(short).join(" ")}`] : [];
  });
  return parts.join("");
}

const short = (value: number): string => String(Number(value.toPrecision(6)));

export const known = (face: Face): ReadonlyArray<{ readonly place: Place; readonly spread: Place }> =>
  face.places.flatMap((place, k) => {
    const spread = face.spread[k];
    return isKnown(place) ? [{ place, spread: isKnown(spread) ? spread : ([0, 0] as const) }] : [];
  });
