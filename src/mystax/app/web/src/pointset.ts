/** A set of points while it is edited: nothing reaches the server before it is saved. */

import type { LabelSet, PointsWanted } from "./api.gen";
import { nameOf } from "./labels";

export type Pair = readonly [string, string];
export type Joined = "edges" | "pairs";

export interface PointDraft {
  readonly id: string;
  /** Its name on the server; empty for a new point. */
  readonly was: string;
  readonly definition: string;
  readonly retired: boolean;
}

export interface SetDraft {
  readonly version: number;
  readonly points: readonly PointDraft[];
  readonly edges: readonly Pair[];
  readonly pairs: readonly Pair[];
}

export function draftOf(set: LabelSet): SetDraft {
  const points = set.keypoints.map((one) => {
    const id = nameOf(one);
    return { id, was: id, definition: String(one["definition"] ?? ""), retired: one["retired"] === true };
  });
  return { version: set.version, points, edges: set.edges, pairs: set.pairs };
}

/** Change a point; a new name is followed by edges and pairs, and a retired point leaves them. */
export function edited(draft: SetDraft, k: number, more: Partial<PointDraft>): SetDraft {
  const old = draft.points[k];
  if (old === undefined) return draft;
  const now = { ...old, ...more };
  const rename = (pair: Pair): Pair => [pair[0] === old.id ? now.id : pair[0], pair[1] === old.id ? now.id : pair[1]];
  const follow = (pairs: readonly Pair[]): Pair[] => pairs.map(rename).filter((pair) => !now.retired || !pair.includes(now.id));
  const points = draft.points.map((one, place) => (place === k ? now : one));
  return { ...draft, points, edges: follow(draft.edges), pairs: follow(draft.pairs) };
}

/** Let two points exchange their names; labels, edges and definitions stay with the points. */
export function swapped(draft: SetDraft, a: string, b: string): SetDraft {
  if (a === b) return draft;
  const turn = (name: string): string => (name === a ? b : name === b ? a : name);
  const follow = (pairs: readonly Pair[]): Pair[] => pairs.map(([one, other]) => [turn(one), turn(other)]);
  return { ...draft, points: draft.points.map((one) => ({ ...one, id: turn(one.id) })), edges: follow(draft.edges), pairs: follow(draft.pairs) };
}

export function added(draft: SetDraft): SetDraft {
  let n = draft.points.length + 1;
  while (draft.points.some((one) => one.id === `point_${n}`)) n += 1;
  return { ...draft, points: [...draft.points, { id: `point_${n}`, was: "", definition: "", retired: false }] };
}

/** Take a point away that is not on the server yet; others can only be retired. */
export function dropped(draft: SetDraft, k: number): SetDraft {
  const point = draft.points[k];
  if (point === undefined || point.was !== "") return draft;
  const left = edited(draft, k, { retired: true });
  return { ...left, points: left.points.filter((_, place) => place !== k) };
}

export function moved(draft: SetDraft, k: number, way: 1 | -1): SetDraft {
  const points = [...draft.points];
  const [one, other] = [points[k], points[k + way]];
  if (one === undefined || other === undefined) return draft;
  [points[k], points[k + way]] = [other, one];
  return { ...draft, points };
}

const isSame = (a: Pair, b: Pair): boolean => (a[0] === b[0] && a[1] === b[1]) || (a[0] === b[1] && a[1] === b[0]);

/** Join two points, or take their join away where there is one. */
export function toggled(draft: SetDraft, what: Joined, pair: Pair): SetDraft {
  if (pair[0] === pair[1]) return draft;
  const left = draft[what].filter((one) => !isSame(one, pair));
  return { ...draft, [what]: left.length < draft[what].length ? left : [...left, pair] };
}

/** What is wrong before the server says so: names that are impossible, taken, or two pairs of a point. */
export function wrongOf(draft: SetDraft): string | null {
  const seen = new Set<string>();
  for (const { id } of draft.points) {
    if (!/^[A-Za-z0-9_]{1,64}$/.test(id)) return `the name "${id}" cannot be used: 1 to 64 letters, digits and "_"`;
    if (seen.has(id.toLowerCase())) return `the name "${id}" is there twice`;
    seen.add(id.toLowerCase());
  }
  if (draft.points.every((one) => one.retired)) return "every point is retired";
  const swapped = draft.pairs.flat();
  const twice = swapped.find((name, k) => swapped.indexOf(name) !== k);
  return twice === undefined ? null : `"${twice}" stands in two pairs`;
}

/** The edits of a draft, so that each can be taken back. */
export interface Steps {
  readonly done: readonly SetDraft[];
  readonly now: SetDraft;
  readonly undone: readonly SetDraft[];
  /** What the last edit was about: a second one of the same field is the same step. */
  readonly field: string;
}

export const stepsOf = (now: SetDraft): Steps => ({ done: [], now, undone: [], field: "" });

export function stepped(steps: Steps, now: SetDraft, field = ""): Steps {
  if (now === steps.now) return steps;
  const isSame = field !== "" && field === steps.field;
  return { done: isSame ? steps.done : [...steps.done, steps.now], now, undone: [], field };
}

export function undone(steps: Steps): Steps {
  const last = steps.done[steps.done.length - 1];
  if (last === undefined) return steps;
  return { done: steps.done.slice(0, -1), now: last, undone: [...steps.undone, steps.now], field: "" };
}

export function redone(steps: Steps): Steps {
  const next = steps.undone[steps.undone.length - 1];
  if (next === undefined) return steps;
  return { done: [...steps.done, steps.now], now: next, undone: steps.undone.slice(0, -1), field: "" };
}

/** What takes a saved edit back: every point as it was before; points that came with it can only be retired. */
export function takenBack(before: SetDraft, after: SetDraft, version: number): SetDraft {
  const names = new Map(after.points.filter((one) => one.was !== "").map((one) => [one.was, one.id]));
  const old = before.points.map((one) => ({ ...one, was: names.get(one.id) ?? one.id }));
  const fresh = after.points.filter((one) => one.was === "").map((one) => ({ ...one, was: one.id, retired: true }));
  return { version, points: [...old, ...fresh], edges: before.edges, pairs: before.pairs };
}

export const isChanged = (draft: SetDraft, set: LabelSet): boolean => JSON.stringify(draft) !== JSON.stringify(draftOf(set));

export const wantedOf = ({ version, points, edges, pairs }: SetDraft): PointsWanted => ({
  version,
  points,
  edges,
  pairs,
});
