/** The hand that labels: what it holds, and what each key and button does to the frame that is shown. */

import { signal } from "@preact/signals";

import type { RecordingInfo, Suggestion } from "../../api.gen";
import type { Point } from "../../geometry";
import {
  absent,
  accepted,
  acceptAll,
  copyPrevious,
  invisible,
  isSame,
  labelledFrames,
  nextPoint,
  nextSuggestion,
  placed,
  pointAt,
  randomId,
  type Change,
} from "../../labels";
import { focus, focusFrame, focusName, tell } from "../../state";
import type { At, Tool } from "../FramePanel";
import {
  changeOf,
  drawn,
  frameEdit,
  framePoints,
  gesture,
  isFixed,
  labels,
  loadSuggestions,
  redoLast,
  suggestions,
  undoLast,
} from "../labelDesk";
import { showFrame } from "../TimeBar";
import type { Actions } from "../useKeys";

const REACH = 11;
const JOINED = 300;
export const SUGGESTED = 20;

export const chosen = signal("");
/** The point that is held, in the frame in which it was taken. */
export const drag = signal<{ readonly camera: string; readonly frame: number; readonly keypoint: string; readonly at: Point } | null>(null);
let nudges: { timer: number; change: Change } | null = null;
let stretch: number | null = null;

/** Camera and frame that are shown; null where there is no frame. */
function here(): { readonly camera: string; readonly frame: number } | null {
  const camera = focus.value?.id;
  const frame = focusFrame.value;
  return camera === undefined || frame === null ? null : { camera, frame };
}

/** Nudges that follow each other closely are one gesture. */
function joinNudges(): void {
  if (nudges === null) return;
  window.clearTimeout(nudges.timer);
  const { change } = nudges;
  nudges = null;
  if (!isSame(change.before, change.after)) gesture([change]);
}

export function act(changes: readonly Change[]): void {
  joinNudges();
  gesture(changes);
}

/** Where a point is drawn: its label, else what is predicted. */
export function placeOf(name: string): Point | null {
  const at = here();
  const found = at === null ? null : framePoints(at.camera, at.frame);
  const point = found?.points[name] ?? found?.predicted[name] ?? null;
  return point === null || point.x === null || point.y === null ? null : { x: point.x, y: point.y };
}

function nudge(dx: number, dy: number): void {
  const now = here();
  if (now === null || isFixed.value) return;
  const isOf = (one: Change): boolean => one.keypoint === chosen.value && one.camera === now.camera && one.frame === now.frame;
  if (nudges !== null && !isOf(nudges.change)) joinNudges();
  // What is nudged already counts, whatever an answer has drawn meanwhile.
  const pending = nudges?.change;
  const at = pending?.after ?? placeOf(chosen.value);
  if (at === null || at.x === null || at.y === null) return;
  const { before } = pending ?? changeOf(now.camera, now.frame, chosen.value, null)[0] ?? { before: null };
  const change = { ...now, keypoint: chosen.value, before, after: placed(at.x + dx, at.y + dy) };
  window.clearTimeout(nudges?.timer);
  drawn([change]);
  nudges = { timer: window.setTimeout(joinNudges, JOINED), change };
}

function advance(): void {
  const now = here();
  if (labels.value !== null && now !== null) chosen.value = nextPoint(labels.value, now.camera, now.frame, chosen.value);
}

/** Show a suggested frame in its camera. */
export function go(recording: RecordingInfo, to: Suggestion | null): void {
  if (to === null) return;
  joinNudges();
  const name = recording.cameras.find((one) => one.id === to.camera)?.name;
  if (name !== undefined) focusName.value = name;
  showFrame(to.frame);
}

function suggest(recording: RecordingInfo, way: 1 | -1): void {
  const now = here();
  if (suggestions.value === null) loadSuggestions(SUGGESTED);
  else go(recording, nextSuggestion(suggestions.value, { camera: now?.camera ?? "", frame: now?.frame ?? -1 }, way));
}

function showLabelled(way: 1 | -1): void {
  const now = here();
  if (now === null || labels.value === null) return;
  const frames = labelledFrames(labels.value, now.camera);
  const next = way > 0 ? frames.find((one) => one > now.frame) : frames.filter((one) => one < now.frame).pop();
  if (next !== undefined) showFrame(next);
}

export function hide(): void {
  const now = here();
  if (now === null) return;
  const at = placeOf(chosen.value);
  if (at === null) return void tell("Place the point where you think it is, then press V.");
  act(changeOf(now.camera, now.frame, chosen.value, invisible(at.x, at.y)));
  advance();
}

export function remove(): void {
  const now = here();
  if (now === null) return;
  act(changeOf(now.camera, now.frame, chosen.value, absent));
  advance();
}

export function acceptFrame(recording: RecordingInfo): void {
  const now = here();
  if (now !== null && labels.value !== null) act(acceptAll(labels.value, now.camera, now.frame));
  if (suggestions.value !== null) suggest(recording, 1);
}

export function copyLabels(): void {
  const now = here();
  if (now !== null && labels.value !== null) act(copyPrevious(labels.value, now.camera, now.frame));
}

export function addFrame(): void {
  const now = here();
  if (now !== null) frameEdit("frame_add", now.camera, now.frame);
}

/** The first press starts a stretch, the second ends it. */
function mark(): void {
  const now = here();
  if (now === null) return;
  if (stretch === null) stretch = now.frame;
  else {
    const [from, to] = [Math.min(stretch, now.frame), Math.max(stretch, now.frame)];
    frameEdit("mark_add", now.camera, from, { mark: randomId().slice(0, 8), stop: to });
    stretch = null;
  }
}

function nextKeypoint(): void {
  const points = labels.value?.points ?? [];
  chosen.value = points[(points.indexOf(chosen.value) + 1) % points.length] ?? "";
}

export const undoGesture = (): void => {
  joinNudges();
  undoLast();
};

/** What the keys of the table do here. */
export function labelActions(recording: RecordingInfo, points: readonly string[]): Actions {
  const choosers = Object.fromEntries(points.slice(0, 9).map((name, k) => [`point${k + 1}`, () => (chosen.value = name)]));
  return {
    ...(choosers as Actions),
    nextPoint: nextKeypoint,
    nudgeLeft: () => nudge(-1, 0),
    nudgeRight: () => nudge(1, 0),
    nudgeUp: () => nudge(0, -1),
    nudgeDown: () => nudge(0, 1),
    fineLeft: () => nudge(-0.25, 0),
    fineRight: () => nudge(0.25, 0),
    fineUp: () => nudge(0, -0.25),
    fineDown: () => nudge(0, 0.25),
    invisible: hide,
    absent: remove,
    accept: () => acceptFrame(recording),
    nextSuggestion: () => suggest(recording, 1),
    previousSuggestion: () => suggest(recording, -1),
    nextLabelled: () => showLabelled(1),
    previousLabelled: () => showLabelled(-1),
    addFrame,
    mark,
    copyPrevious: copyLabels,
    undo: undoGesture,
    redo: redoLast,
  };
}

function take({ picture, scale, frame }: At): void {
  const now = here();
  if (now === null || labels.value === null || isFixed.value) return;
  if (frame !== now.frame) return tell("The picture of this frame is still on its way: place the point when you see it.");
  joinNudges();
  const near = pointAt(labels.value, now.camera, now.frame, picture.x, picture.y, REACH / scale);
  if (near !== null) chosen.value = near;
  drag.value = { ...now, keypoint: chosen.value, at: near === null ? picture : (placeOf(near) ?? picture) };
}

function drop(): void {
  const held = drag.value;
  drag.value = null;
  if (held === null || labels.value === null) return;
  const { camera, frame, keypoint, at } = held;
  const before = framePoints(camera, frame);
  const label = before?.points[keypoint] ?? null;
  const guess = before?.predicted[keypoint];
  const isUnmoved = guess !== undefined && guess.x === at.x && guess.y === at.y;
  const after = label === null && isUnmoved ? accepted(guess) : placed(at.x, at.y);
  if (label !== null && label.x === after.x && label.y === after.y) return;
  act([{ camera, frame, keypoint, before: label, after }]);
  if (label === null) advance();
}

/** The pointer over the picture: place a point, or take one and move it. */
export const labelTool: Tool = {
  cursor: "crosshair",
  down: take,
  move: ({ picture }: At) => {
    if (drag.value !== null) drag.value = { ...drag.value, at: picture };
  },
  up: drop,
};
