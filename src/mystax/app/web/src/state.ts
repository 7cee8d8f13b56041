/** What all screens share: where we are, the recording that is open, and the one clock. */

import { computed, signal } from "@preact/signals";

import { ApiError } from "./api";
import type { CameraInfo, Mark, RecordingInfo } from "./api.gen";
import { frameTimes, shownAt, type FrameTimes } from "./clock";

export const SCREENS = [
  ["recordings", "Recordings"],
  ["view", "View"],
  ["rois", "ROIs"],
  ["label", "Label"],
  ["space", "3-D"],
  ["states", "States"],
  ["neural", "Neural"],
  ["queue", "Queue"],
  ["models", "Models"],
  ["reports", "Reports"],
] as const;
export type Screen = (typeof SCREENS)[number][0];

export const screen = signal<Screen>("recordings");
/** The recording that is open. */
export const open = signal<RecordingInfo | null>(null);
/** A recording is being opened: its cameras are looked at, which takes a while the first time. */
export const isOpening = signal(false);
/** Times of the frames of each camera of it. */
export const clocks = signal<ReadonlyMap<string, FrameTimes>>(new Map());
/** The time that every panel shows [s]; nothing else keeps a time. */
export const time = signal(0);
export const isMoving = signal(false);
export const playing = signal(false);
export const speed = signal(1);
/** Every frame is shown while playing, however long that takes. */
export const isEvery = signal(false);
/** Frames that were passed over since play began. */
export const skips = signal(0);
/** The way that was last stepped: -1, 0 or 1; frames beyond are fetched that way. */
export const travel = signal(0);
/** Display only: what is measured does not change with them. */
export const brightness = signal(1);
export const contrast = signal(1);
/** Grey levels that are shown black and white, by the id of a camera; the camera's own where there are none. */
export const ranges = signal<ReadonlyMap<string, readonly [number, number]>>(new Map());
/** Pictures without loss, to see the exact pixels. */
export const isLossless = signal(false);
/** Rises when all pictures are to be fitted into their panels. */
export const fits = signal(0);
/** The camera whose frames are stepped; the first one where none is chosen. */
export const focusName = signal<string | null>(null);
export const isReadOnly = signal(false);
/** The page stands in a frame of a notebook, and shows one recording. */
export const isEmbedded = signal(false);
/** Marks of the seek bar that the server knows: gaps, missing frames, low confidence, labels. */
export const marks = signal<readonly Mark[]>([]);
/** Marks of the seek bar that a screen adds to those of the clocks. */
export const moreMarks = signal<readonly Mark[]>([]);
/** Said to people who cannot see the page. */
export const said = signal("");

/** The model whose card the screen of models shows; null: the default one. */
export const modelShown = signal<string | null>(null);
/** What went wrong last, for the notice at the top. */
export const trouble = signal<string | null>(null);

export const focus = computed<CameraInfo | null>(() => {
  const cameras = open.value?.cameras ?? [];
  return cameras.find((camera) => camera.name === focusName.value) ?? cameras[0] ?? null;
});

/** The frame of the camera in focus, and null where there is none. */
export const focusFrame = computed<number | null>(() => {
  const clock = focus.value === null ? undefined : clocks.value.get(focus.value.id);
  return clock === undefined ? null : shownAt(clock, time.value).frame;
});

/** First and last time of what was measured, for recordings whose videos are not here [s]. */
export const extent = signal<readonly [number, number]>([0, 0]);

/** First and last time of the open recording [s]. */
export const span = computed<readonly [number, number]>(() => {
  if (clocks.value.size === 0) return extent.value;
  let first = Infinity;
  let last = -Infinity;
  for (const { known } of clocks.value.values()) {
    first = Math.min(first, known[0] ?? Infinity);
    last = Math.max(last, known[known.length - 1] ?? -Infinity);
  }
  return first <= last ? [first, last] : [0, 0];
});

export function setClock(camera: string, times: Float64Array): void {
  const next = new Map(clocks.value);
  next.set(camera, frameTimes(times));
  clocks.value = next;
}

export function clearClocks(): void {
  clocks.value = new Map();
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

/** What went wrong, as one line for people. */
export function tell(error: unknown): void {
  if (error instanceof DOMException && error.name === "AbortError") return;
  if (isEmbedded.value && error instanceof ApiError && error.status === 401) {
    trouble.value = "This view has ended: run the cell of the notebook again.";
    return;
  }
  trouble.value = wordsOf(error);
}

/** An error in the words of the server, with what to do. */
export const wordsOf = (error: unknown): string =>
  error instanceof ApiError ? [error.message, error.refusal.hint].filter(Boolean).join(". ") : String(error);
