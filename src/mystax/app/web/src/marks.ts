/** Marks of the seek bar: gaps and missing frames of the clocks, labelled and suggested frames, binned to pixels. */

import type { Mark } from "./api.gen";
import { REACH, type FrameTimes } from "./clock";

/** The stretches of a clock in which there is no frame. */
export function gapsOf({ times, interval }: FrameTimes): Mark[] {
  const found: Mark[] = [];
  let last = NaN;
  for (const time of times) {
    if (Number.isNaN(time)) continue;
    if (time - last > REACH * interval) {
      found.push({ kind: "gap", start: last, stop: time, count: 1, text: `gap ${(time - last).toFixed(2)} s` });
    }
    last = time;
  }
  return found;
}

/** One mark per kind and pixel; marks that share a pixel are counted together. */
export function binned(marks: readonly Mark[], first: number, last: number, width: number): Mark[] {
  const size = (last - first) / Math.max(1, width);
  if (!(size > 0)) return [];
  const bins = new Map<string, Mark>();
  for (const mark of marks) {
    if (mark.stop < first || mark.start > last) continue;
    const bin = Math.min(width - 1, Math.max(0, Math.floor((mark.start - first) / size)));
    const key = `${mark.kind}/${bin}`;
    const old = bins.get(key);
    if (old === undefined) bins.set(key, mark);
    else {
      const count = old.count + mark.count;
      const [start, stop] = [Math.min(old.start, mark.start), Math.max(old.stop, mark.stop)];
      bins.set(key, { kind: mark.kind, start, stop, count, text: `${count} × ${mark.kind}` });
    }
  }
  return [...bins.values()].sort((a, b) => a.start - b.start);
}
