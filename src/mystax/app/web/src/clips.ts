/** Example bouts side by side, aligned at their onset: which frame each shows at a moment. */

import type { Bout } from "./api.gen";
import { shownAt, type FrameTimes } from "./clock";

/** From how long before the onset to how long after it a clip goes, and its step [s]. */
export const BEFORE = 0.5;
export const AFTER = 1.5;
export const STEP = 0.1;

/** All moments of a clip, relative to the onset [s]. */
export const MOMENTS: readonly number[] = Array.from(
  { length: Math.round((BEFORE + AFTER) / STEP) + 1 },
  (_, k) => Math.round(1000 * (k * STEP - BEFORE)) / 1000,
);
export const ONSET = MOMENTS.indexOf(0);

/** The frame that a bout shows at a moment; null where there is none. */
export const frameOf = (bout: Bout, clock: FrameTimes, moment: number): number | null => shownAt(clock, bout.start + moment).frame;

/** Whether a moment lies in the bout itself. */
export const isInside = (bout: Bout, moment: number): boolean => moment >= 0 && bout.start + moment < bout.stop;

/** All frames that clips need, each once: those of the onset first, then ever further from it. */
export function framesOf(bouts: readonly Bout[], clock: FrameTimes): readonly number[] {
  const near = [...MOMENTS].sort((a, b) => Math.abs(a) - Math.abs(b));
  const found = near.flatMap((moment) => bouts.map((bout) => frameOf(bout, clock, moment)));
  return [...new Set(found.filter((frame): frame is number => frame !== null))];
}

/** The next moment of a clip that plays; after the last one comes the first. */
export const nextMoment = (k: number): number => (k + 1) % MOMENTS.length;
