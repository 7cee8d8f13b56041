/** The labels of a set as the page holds them: frames, points, and what an edit makes of them. */

import type { Edit, LabelFrame, LabelPoint, LabelSet, Suggestion } from "./api.gen";

export type FrameKey = string;

export interface Labels {
  readonly frames: ReadonlyMap<FrameKey, LabelFrame>;
  readonly points: readonly string[];
  readonly edges: ReadonlyArray<readonly [string, string]>;
  readonly rev: number;
}

/** A change of one point: undo swaps `before` and `after`. */
export interface Change {
  readonly camera: string;
  readonly frame: number;
  readonly keypoint: string;
  readonly before: LabelPoint | null;
  readonly after: LabelPoint | null;
}

export interface Counts {
  readonly placed: number;
  readonly invisible: number;
  readonly absent: number;
  readonly left: number;
}

/** How requests and revisions name a frame. */
export const keyOf = (camera: string, frame: number): FrameKey => `${camera}/${frame}`;

/** The name of a point in the description of a set. */
export function nameOf(point: Readonly<Record<string, unknown>>): string {
  return String(point["id"] ?? point["name"] ?? "");
}

export function labelsOf(set: LabelSet): Labels {
  return {
    frames: new Map(set.frames.map((frame) => [keyOf(frame.camera, frame.frame), frame])),
    points: set.keypoints.filter((point) => point["retired"] !== true).map(nameOf),
    edges: set.edges,
    rev: set.rev,
  };
}

export const placed = (x: number, y: number, origin = "hand"): LabelPoint => ({
  state: "placed",
  x: hundredths(x),
  y: hundredths(y),
  confidence: null,
  origin,
});

/** The place is a guess where the point is hidden. */
export const invisible = (x: number | null, y: number | null): LabelPoint => ({
  state: "invisible",
  x: x === null ? null : hundredths(x),
  y: y === null ? null : hundredths(y),
  confidence: null,
  origin: "hand",
});

export const absent: LabelPoint = { state: "absent", x: null, y: null, confidence: null, origin: "hand" };

function hundredths(value: number): number {
  return Math.round(value * 100) / 100;
}

const unknown: Omit<LabelFrame, "camera" | "frame"> = {
  name: "",
  video: "",
  pts: 0,
  rev: 0,
  who: "",
  is_listed: false,
  is_skipped: false,
  points: {},
  predicted: {},
};

export function frameOf(labels: Labels, camera: string, frame: number): LabelFrame {
  const found = labels.frames.get(keyOf(camera, frame));
  return found ?? { ...unknown, camera, frame };
}

export const pointOf = (labels: Labels, camera: string, frame: number, keypoint: string): LabelPoint | null =>
  frameOf(labels, camera, frame).points[keypoint] ?? null;

/** The labels after some changes; revisions stay until the server says the new ones. */
export function changedBy(labels: Labels, changes: readonly Change[]): Labels {
  const frames = new Map(labels.frames);
  for (const { camera, frame, keypoint, after } of changes) {
    const key = keyOf(camera, frame);
    const old = frames.get(key) ?? frameOf(labels, camera, frame);
    frames.set(key, { ...old, points: { ...old.points, [keypoint]: after } });
  }
  return { ...labels, frames };
}

/**
 * The labels with frames as the server has them; what is predicted stays where it says nothing of it.  An answer
 * that was on its way while an edit was written knows less than we do: only what it predicts is taken.
 */
export function withFrames(labels: Labels, found: readonly LabelFrame[], rev = labels.rev): Labels {
  const frames = new Map(labels.frames);
  for (const frame of found) {
    const key = keyOf(frame.camera, frame.frame);
    const known = frames.get(key);
    const predicted = Object.keys(frame.predicted).length === 0 ? (known?.predicted ?? {}) : frame.predicted;
    frames.set(key, { ...(known !== undefined && known.rev > frame.rev ? known : frame), predicted });
  }
  return { ...labels, frames, rev: Math.max(rev, labels.rev, ...found.map((one) => one.rev)) };
}

/** Revisions of frames: what a gesture on them is based on. */
export function baseOf(labels: Labels, changes: readonly Pick<Change, "camera" | "frame">[]): Record<string, number> {
  return Object.fromEntries(changes.map(({ camera, frame }) => [keyOf(camera, frame), frameOf(labels, camera, frame).rev]));
}

/** A prediction as a label: its origin remembers that it was accepted unchanged. */
export function accepted(predicted: LabelPoint): LabelPoint {
  return { ...predicted, state: "placed", confidence: null };
}

/** Accept what is predicted for all points that are not labelled yet. */
export function acceptAll(labels: Labels, camera: string, frame: number): Change[] {
  const { points, predicted } = frameOf(labels, camera, frame);
  return labels.points.flatMap((keypoint) => {
    const guess = predicted[keypoint];
    if (guess === undefined || guess.x === null || (points[keypoint] ?? null) !== null) return [];
    return [{ camera, frame, keypoint, before: null, after: accepted(guess) }];
  });
}

/** Frames of a camera that have a label, in order. */
export function labelledFrames(labels: Labels, camera: string): number[] {
  const frames = [...labels.frames.values()].filter(
    (one) => one.camera === camera && Object.values(one.points).some((point) => point !== null),
  );
  return frames.map((one) => one.frame).sort((a, b) => a - b);
}

/** Copy the labels of the labelled frame before this one to points that have none. */
export function copyPrevious(labels: Labels, camera: string, frame: number): Change[] {
  const from = labelledFrames(labels, camera).filter((one) => one < frame).pop();
  if (from === undefined) return [];
  return labels.points.flatMap((keypoint) => {
    const point = pointOf(labels, camera, from, keypoint);
    const before = pointOf(labels, camera, frame, keypoint);
    return point === null || before !== null ? [] : [{ camera, frame, keypoint, before, after: { ...point, origin: "hand" } }];
  });
}

export function countsOf(labels: Labels, camera: string, frame: number): Counts {
  const states = labels.points.map((keypoint) => pointOf(labels, camera, frame, keypoint)?.state ?? "left");
  const count = (state: string): number => states.filter((one) => one === state).length;
  return { placed: count("placed"), invisible: count("invisible"), absent: count("absent"), left: count("left") };
}

/** The next point without a label after the chosen one, else the next one of all. */
export function nextPoint(labels: Labels, camera: string, frame: number, chosen: string): string {
  const { points } = labels;
  const at = points.indexOf(chosen);
  const around = [...points.slice(at + 1), ...points.slice(0, at + 1)];
  return around.find((one) => pointOf(labels, camera, frame, one) === null) ?? around[0] ?? chosen;
}

/** The point whose place, labelled or predicted, is nearest within reach. */
export function pointAt(labels: Labels, camera: string, frame: number, x: number, y: number, reach: number): string | null {
  const { points, predicted } = frameOf(labels, camera, frame);
  let best: string | null = null;
  let least = reach;
  for (const keypoint of labels.points) {
    const place = points[keypoint] ?? predicted[keypoint] ?? null;
    if (place === null || place.x === null || place.y === null) continue;
    const off = Math.hypot(place.x - x, place.y - y);
    if (off <= least) [best, least] = [keypoint, off];
  }
  return best;
}

/** The suggestion after (1) or before (-1) a frame in the order of the list. */
export function nextSuggestion(
  list: readonly Suggestion[],
  now: { readonly camera: string; readonly frame: number },
  way: 1 | -1,
): Suggestion | null {
  if (list.length === 0) return null;
  const at = list.findIndex((one) => one.camera === now.camera && one.frame === now.frame);
  if (at < 0) return list[0] ?? null;
  return list[(at + way + list.length) % list.length] ?? null;
}

/** The operations of a gesture, each with an id that is never used again. */
export function editsOf(changes: readonly Change[], newId: () => string): Edit[] {
  return changes.map(({ camera, frame, keypoint, after }) => ({
    id: newId(),
    op: "set",
    camera,
    frame,
    keypoint,
    individual: "face",
    after,
    text: "",
    mark: "",
    stop: null,
  }));
}

/** Whether two points say the same. */
export function isSame(a: LabelPoint | null, b: LabelPoint | null): boolean {
  if (a === null || b === null) return a === b;
  return a.state === b.state && a.x === b.x && a.y === b.y && a.origin === b.origin;
}

/** A 128-bit id. */
export function randomId(fill: (bytes: Uint8Array<ArrayBuffer>) => Uint8Array = (bytes) => crypto.getRandomValues(bytes)): string {
  return [...fill(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}
