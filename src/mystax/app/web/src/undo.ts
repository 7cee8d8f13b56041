/** Undo and redo: each is one more batch that names the one it undoes; nothing is taken out of the journal. */

import { isSame, pointOf, type Change, type Labels } from "./labels";

export interface Batch {
  readonly id: string;
  readonly changes: readonly Change[];
}

export interface Undo {
  readonly done: readonly Batch[];
  readonly undone: readonly Batch[];
}

export interface Reversal {
  readonly state: Undo;
  readonly changes: readonly Change[];
  /** The batch that this one undoes. */
  readonly undoes: string;
}

export const nothingDone: Undo = { done: [], undone: [] };

/** A gesture was made: what was undone before it cannot come back. */
export const did = (state: Undo, batch: Batch): Undo => ({ done: [...state.done, batch], undone: [] });

/** The same changes, the other way round and in the other order. */
export function reversed(changes: readonly Change[]): readonly Change[] {
  return [...changes].reverse().map((one) => ({ ...one, before: one.after, after: one.before }));
}

function isUntouched(labels: Labels, batch: Batch): boolean {
  const last = new Map<string, Change>();
  for (const one of batch.changes) last.set(`${one.camera}/${one.frame}/${one.keypoint}`, one);
  return [...last.values()].every((one) => isSame(pointOf(labels, one.camera, one.frame, one.keypoint), one.after));
}

function turn(from: readonly Batch[], labels: Labels, id: string): { rest: readonly Batch[]; batch: Batch; undoes: string } | null {
  const last = from[from.length - 1];
  if (last === undefined || !isUntouched(labels, last)) return null;
  return { rest: from.slice(0, -1), batch: { id, changes: reversed(last.changes) }, undoes: last.id };
}

/** Undo the last batch as the batch `id`; null where there is none, or somebody else changed a point since. */
export function undo(state: Undo, labels: Labels, id: string): Reversal | null {
  const found = turn(state.done, labels, id);
  if (found === null) return null;
  const undone = [...state.undone, found.batch];
  return { state: { done: found.rest, undone }, changes: found.batch.changes, undoes: found.undoes };
}

/** Take the last undo back as the batch `id`. */
export function redo(state: Undo, labels: Labels, id: string): Reversal | null {
  const found = turn(state.undone, labels, id);
  if (found === null) return null;
  const done = [...state.done, found.batch];
  return { state: { done, undone: found.rest }, changes: found.batch.changes, undoes: found.undoes };
}
