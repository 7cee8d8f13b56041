/** Times of a camera's frames on the clock of the session, and which frame belongs to a time. */

export interface FrameTimes {
  /** Times of all frames, rising [s]; a frame without a time is NaN. */
  readonly times: Float64Array;
  /** The times that are known, and the frames that have them; null where all have. */
  readonly known: Float64Array;
  readonly frames: Int32Array | null;
  /** Median distance of two frames [s]. */
  readonly interval: number;
  /** Smallest step of the clock [s]. */
  readonly tick: number;
}

export interface Shown {
  /** The frame that is on the screen, or null where there is none. */
  readonly frame: number | null;
  /** How far the frame is from the time asked for [s]. */
  readonly off: number;
  /** Length of the gap that the time lies in [s]; 0 outside of gaps. */
  readonly gap: number;
}

/** Frames further away than this many intervals are not shown. */
export const REACH = 1.5;

export function frameTimes(times: Float64Array, tick = 1e-6): FrameTimes {
  const steps: number[] = [];
  const every = Math.max(1, Math.floor(times.length / 10_000));
  for (let k = every; k < times.length; k += every) {
    const step = ((times[k] ?? NaN) - (times[k - 1] ?? NaN));
    if (Number.isFinite(step)) steps.push(step);
  }
  steps.sort((a, b) => a - b);
  const interval = steps.length === 0 ? 1 : (steps[Math.floor(steps.length / 2)] ?? 1);
  const known = times.filter(Number.isFinite);
  const frames = known.length === times.length ? null : Int32Array.from(times.keys()).filter((k) => Number.isFinite(times[k]));
  return { times, known, frames, interval, tick };
}

/** Number of the last time that is not after `time`; -1 before the first. */
export function lastNotAfter(times: ArrayLike<number>, time: number): number {
  let low = 0;
  let high = times.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((times[middle] ?? Infinity) <= time) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}

/** Which frame a camera shows at a time: the last one that is not later than half a tick after it. */
export function shownAt(clock: FrameTimes, time: number): Shown {
  const { known, frames, interval } = clock;
  const at = placeAt(clock, time);
  const own = known[at];
  const off = own === undefined ? NaN : own - time;
  if (own !== undefined && time - own <= REACH * interval) return { frame: frames?.[at] ?? at, off, gap: 0 };
  const next = known[at + 1];
  const gap = own !== undefined && next !== undefined ? next - own : Infinity;
  return { frame: null, off, gap };
}

const placeAt = ({ known, tick }: FrameTimes, time: number): number => lastNotAfter(known, time + tick / 2);

/** The time that is shown when a panel steps by some frames; frames without a time are passed over. */
export function stepped(clock: FrameTimes, time: number, frames: number): number {
  const wanted = Math.min(Math.max(placeAt(clock, time) + frames, 0), clock.known.length - 1);
  return clock.known[wanted] ?? time;
}

/** The time of the frame that is shown some seconds on; at least the next one, so that no gap holds a step up. */
export function later(clock: FrameTimes, time: number, seconds: number): number {
  const to = placeAt(clock, time + seconds);
  return to === placeAt(clock, time) ? stepped(clock, time, Math.sign(seconds)) : (clock.known[Math.max(0, to)] ?? time);
}

/** The time of a frame, or of the nearest one before it that has a time; undefined where there is no such frame. */
export function timeOf({ times, known, frames }: FrameTimes, frame: number): number | undefined {
  if (frame < 0 || frame >= times.length) return undefined;
  return frames === null ? times[frame] : known[Math.max(0, lastNotAfter(frames, frame))];
}

/** Write a time as hours, minutes, seconds and milliseconds. */
export function timeText(time: number): string {
  const sign = time < 0 ? "-" : "";
  const total = Math.round(Math.abs(time) * 1000);
  const two = (value: number): string => String(value).padStart(2, "0");
  const ms = String(total % 1000).padStart(3, "0");
  const s = Math.floor(total / 1000);
  return `${sign}${Math.floor(s / 3600)}:${two(Math.floor(s / 60) % 60)}:${two(s % 60)}.${ms}`;
}
