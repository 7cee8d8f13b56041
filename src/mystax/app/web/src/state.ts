/** What all screens share: where we are, the recording that is open, and the one clock. */

import { computed, signal } from "@preact/signals";

import type { CameraInfo, RecordingInfo } from "./api.gen";
import { frameTimes, type FrameTimes } from "./clock";

export const SCREENS = [
  ["recordings", "Recordings"],
  ["view", "View"],
  ["reports", "Reports"],
] as const;
export type Screen = (typeof SCREENS)[number][0];

export const screen = signal<Screen>("recordings");
/** The recording that is open. */
export const open = signal<RecordingInfo | null>(null);
/** Times of the frames of each camera of it. */
export const clocks = signal<ReadonlyMap<string, FrameTimes>>(new Map());
/** The time that every panel shows [s]; nothing else keeps a time. */
export const time = signal(0);
export const isMoving = signal(false);
export const playing = signal(false);
export const speed = signal(1);
/** What went wrong last, for the notice at the top. */
export const trouble = signal<string | null>(null);

export const focus = computed<CameraInfo | null>(() => open.value?.cameras[0] ?? null);

/** First and last time of the open recording [s]. */
export const span = computed<readonly [number, number]>(() => {
  let first = Infinity;
  let last = -Infinity;
  for (const { times } of clocks.value.values()) {
    first = Math.min(first, times[0] ?? Infinity);
    last = Math.max(last, times[times.length - 1] ?? -Infinity);
  }
  return first <= last ? [first, last] : [0, 0];
});

export function setClock(camera: string, times: Float64Array): void {
  const next = new Map(clocks.value);
  next.set(camera, frameTimes(times));
  clocks.value = next;
}

/** Read the screen, the recording and the time from the address. */
export function address(hash: string): { screen: Screen; recording: string | null; time: number | null } {
  const given = new URLSearchParams(hash.replace(/^#/, ""));
  const name = SCREENS.find(([id]) => id === given.get("s"))?.[0] ?? "recordings";
  const at = given.get("t");
  const seconds = at === null ? NaN : Number(at);
  return { screen: name, recording: given.get("r"), time: Number.isFinite(seconds) ? seconds : null };
}

/** Write them as an address that can be kept and sent. */
export function addressOf(name: Screen, recording: string | null): string {
  const parts = new URLSearchParams({ s: name });
  if (recording !== null) parts.set("r", recording);
  return `#${parts.toString()}`;
}
