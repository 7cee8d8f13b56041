/** The histogram of a picture, and the range of grey levels that is shown from black to white. */

import type { Levels } from "./api.gen";

export type Range = readonly [number, number];

/** The bars of a histogram, by the root of their counts, so that a few bright pixels are seen too: 0 to 1. */
export function bars({ counts }: Levels): readonly number[] {
  const most = Math.sqrt(Math.max(1, ...counts));
  return counts.map((count) => Math.sqrt(count) / most);
}

/** The whole range that a camera can hold; null: nothing needs to be mapped. */
export const whole = ({ least, most }: Levels): Range => [least, most];

/** The range in which all but the darkest and brightest thousandth of the picture lie. */
export const fitting = ({ window }: Levels): Range => [window[0], window[1]];

/** Move one end; the ends stay a level apart and inside of what the camera can hold. */
export function moveEnd([low, high]: Range, end: 0 | 1, to: number, { least, most }: Levels): Range {
  if (!Number.isFinite(to)) return [low, high];
  const value = Math.min(most, Math.max(least, Math.round(to)));
  return end === 0 ? [Math.min(value, most - 1), Math.max(high, Math.min(value, most - 1) + 1)] : [Math.min(low, Math.max(value, least + 1) - 1), Math.max(value, least + 1)];
}

/** What is said of a picture: its range, and how much of it is at the ends of what the camera can hold. */
export function levelsText({ counts, most, window }: Levels): string {
  if (counts.length === 0) return "the frame could not be read";
  const all = counts.reduce((sum, one) => sum + one, 0);
  const end = (counts[counts.length - 1] ?? 0) / Math.max(1, all);
  const range = `${Math.round(window[0])} to ${Math.round(window[1])} of ${Math.round(most)}`;
  return end > 0.01 ? `${range}; ${Math.round(100 * end)} % near white` : range;
}
