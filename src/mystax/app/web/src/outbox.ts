/**
 * Edits that the server has not answered yet, kept where a killed tab loses nothing.
 *
 * A gesture goes in before it is sent and leaves on its answer.  Gestures on one frame go one after another: the
 * next one is based on the revision that the one before it has got.  The server answers an id that it knows
 * already, so a gesture may be sent twice.
 */

import type { EditsDone, EditsWanted } from "./api.gen";
import { keyOf } from "./labels";

/** What of `localStorage` is used. */
export interface Keep {
  getItem(key: string): string | null;
  setItem(key: string, value: string): void;
  removeItem(key: string): void;
}

export interface Waiting {
  readonly edits: EditsWanted;
  /** Somebody else has changed the frame since: the person has to choose. */
  readonly isRefused: boolean;
}

const PREFIX = "mystax.outbox.";

export const placeOf = (set: string): string => `${PREFIX}${set}`;

function isWaiting(value: unknown): value is Waiting {
  const edits = (value as Waiting | null)?.edits;
  return typeof edits?.batch === "string" && Array.isArray(edits.ops) && typeof edits.base === "object" && edits.base !== null;
}

/** Read what is kept for a set; what cannot be read is nothing. */
export function readOutbox(keep: Keep, set: string): readonly Waiting[] {
  try {
    const found: unknown = JSON.parse(keep.getItem(placeOf(set)) ?? "[]");
    return Array.isArray(found) ? found.filter(isWaiting) : [];
  } catch {
    return [];
  }
}

export function writeOutbox(keep: Keep, set: string, waiting: readonly Waiting[]): void {
  if (waiting.length === 0) keep.removeItem(placeOf(set));
  else keep.setItem(placeOf(set), JSON.stringify(waiting));
}

/** The frames that a gesture changes; an undo has no operations, but says on which revisions it is based. */
export const framesOf = (edits: EditsWanted): readonly string[] => Object.keys(edits.base);

export const put = (waiting: readonly Waiting[], edits: EditsWanted): readonly Waiting[] => [
  ...waiting,
  { edits, isRefused: false },
];

/** The next gesture to send: the first one whose frames wait for no choice and no earlier gesture. */
export function nextToSend(waiting: readonly Waiting[]): EditsWanted | null {
  const held = new Set<string>();
  for (const { edits, isRefused } of waiting) {
    const frames = framesOf(edits);
    if (!isRefused && !frames.some((frame) => held.has(frame))) return edits;
    frames.forEach((frame) => held.add(frame));
  }
  return null;
}

/** A gesture was written: it leaves, and those after it on its frames are based on the new revisions. */
export function acknowledged(waiting: readonly Waiting[], batch: string, done: EditsDone): readonly Waiting[] {
  const revisions = new Map(done.frames.map((one) => [keyOf(one.camera, one.frame), one.rev]));
  return waiting
    .filter((one) => one.edits.batch !== batch)
    .map((one) => ({ ...one, edits: { ...one.edits, base: rebased(one.edits.base, revisions) } }));
}

function rebased(base: Readonly<Record<string, number>>, revisions: ReadonlyMap<string, number>): Record<string, number> {
  return Object.fromEntries(Object.entries(base).map(([frame, rev]) => [frame, revisions.get(frame) ?? rev]));
}

/** The server refuses a gesture (409): it stays until the person has chosen. */
export const refused = (waiting: readonly Waiting[], batch: string): readonly Waiting[] =>
  waiting.map((one) => (one.edits.batch === batch ? { ...one, isRefused: true } : one));

export const conflict = (waiting: readonly Waiting[]): EditsWanted | null =>
  waiting.find((one) => one.isRefused)?.edits ?? null;

/** Keep mine: all gestures on these frames are sent again, on top of what is there now. */
export function keepMine(waiting: readonly Waiting[], revisions: ReadonlyMap<string, number>): readonly Waiting[] {
  return waiting.map((one) => {
    const isOf = framesOf(one.edits).some((frame) => revisions.has(frame));
    if (!isOf) return one;
    return { isRefused: false, edits: { ...one.edits, base: rebased(one.edits.base, revisions) } };
  });
}

/** Take theirs: gestures on these frames are given up. */
export function takeTheirs(waiting: readonly Waiting[], frames: readonly string[]): readonly Waiting[] {
  return waiting.filter((one) => !framesOf(one.edits).some((frame) => frames.includes(frame)));
}

/** What the page says about saving. */
export function saveText(waiting: readonly Waiting[], rev: number, isOffline: boolean): string {
  const n = waiting.reduce((sum, one) => sum + Math.max(1, one.edits.ops.length), 0);
  const edits = `${n} ${n === 1 ? "edit" : "edits"}`;
  if (conflict(waiting) !== null) return `Conflict: ${edits} kept here`;
  if (n === 0) return `Saved - rev ${rev}`;
  return isOffline ? `Offline: ${edits} kept here` : "Saving…";
}
