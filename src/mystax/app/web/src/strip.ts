/** The frames around the one that is shown: where labels, suggestions, unsure places and jumps are. */

import { isLow } from "./markers";

/** Frames to each side of the one that is shown. */
export const AROUND = 150;
/** The bit of a pose's `flag` that says a point jumped. */
export const JUMP = 2;
/** The plot of steps is never finer than this [px]: noise is not blown up. */
const LEAST = 2;

/** What a model says of one point in one frame. */
export interface Sample {
  readonly x: number;
  readonly y: number;
  readonly confidence: number;
  readonly flag: number;
}

export interface Cell {
  readonly frame: number;
  readonly isLabelled: boolean;
  /** Why the frame is suggested; empty where it is not. */
  readonly reason: string;
  /** How far the point went since the frame before [px]; NaN where unknown. */
  readonly step: number;
  readonly isLow: boolean;
  readonly isJump: boolean;
}

export interface Facts {
  readonly n_frames: number;
  readonly labelled: ReadonlySet<number>;
  readonly reasons: ReadonlyMap<number, string>;
  readonly sample: (frame: number) => Sample | null;
}

/** The cells around a frame, in order; fewer at the ends of the recording. */
export function cellsAround(middle: number, facts: Facts, around = AROUND): Cell[] {
  const first = Math.max(0, middle - around);
  const last = Math.min(facts.n_frames - 1, middle + around);
  const cells: Cell[] = [];
  let before = first > 0 ? facts.sample(first - 1) : null;
  for (let frame = first; frame <= last; frame += 1) {
    const now = facts.sample(frame);
    cells.push({
      frame,
      isLabelled: facts.labelled.has(frame),
      reason: facts.reasons.get(frame) ?? "",
      step: now === null || before === null ? NaN : Math.hypot(now.x - before.x, now.y - before.y),
      isLow: now !== null && isLow(now.confidence),
      isJump: now !== null && (now.flag & JUMP) !== 0,
    });
    before = now;
  }
  return cells;
}

/** The step that fills the height of the plot [px]. */
export function topStep(cells: readonly Cell[]): number {
  return cells.reduce((most, { step }) => (step > most ? step : most), LEAST);
}

/** Where a frame's column begins; the middle frame stays in the middle of the strip, also at the ends. */
export function columnOf(frame: number, middle: number, width: number, around = AROUND): number {
  return ((frame - middle + around) * width) / (2 * around + 1);
}

/** The frame under a place of the strip; null beside the recording. */
export function frameUnder(x: number, middle: number, width: number, n_frames: number, around = AROUND): number | null {
  const frame = middle - around + Math.floor((x * (2 * around + 1)) / width);
  return frame >= 0 && frame < n_frames && x >= 0 && x < width ? frame : null;
}

/** A cell in words; the words of a suggestion say why. */
export function cellText(cell: Cell): string {
  const words = [
    cell.isLabelled ? "labelled" : "",
    cell.reason === "" ? "" : `suggested: ${cell.reason}`,
    cell.isJump ? "the point jumps" : "",
    cell.isLow ? "low confidence" : "",
    Number.isFinite(cell.step) ? `step ${cell.step.toFixed(1)} px` : "",
  ];
  return [`frame ${cell.frame.toLocaleString("en-US")}`, ...words.filter(Boolean)].join(", ");
}

/** All cells in one line for people who do not see them. */
export function stripText(cells: readonly Cell[]): string {
  const [first, last] = [cells[0], cells[cells.length - 1]];
  if (first === undefined || last === undefined) return "no frames";
  const count = (is: (cell: Cell) => boolean): number => cells.filter(is).length;
  const n = [count((one) => one.isLabelled), count((one) => one.reason !== ""), count((one) => one.isJump), count((one) => one.isLow)];
  return `frames ${first.frame} to ${last.frame}: ${n[0]} labelled, ${n[1]} suggested, ${n[2]} jumps, ${n[3]} of low confidence`;
}
