/** Labels: points are placed, hidden or absent; every gesture is kept, and nothing is ever lost. */

import { signal, useSignalEffect } from "@preact/signals";
import { useEffect, useRef, useState } from "preact/hooks";

import * as api from "../api";
import type { LabelFrame, LabelLine, LabelPoint, RecordingInfo, Suggestion } from "../api.gen";
import { toScreen, type Point } from "../geometry";
import {
  absent,
  accepted,
  acceptAll,
  copyPrevious,
  countsOf,
  invisible,
  isSame,
  labelledFrames,
  nextPoint,
  nextSuggestion,
  placed,
  pointAt,
  randomId,
  type Change,
  type Labels,
} from "../labels";
import { isLow, markersOf } from "../markers";
import { Display } from "../parts/Display";
import { FramePanel, type At, type Overlay, type Tool } from "../parts/FramePanel";
import {
  canRedo,
  canUndo,
  changeOf,
  chooseMine,
  chooseTheirs,
  drawn,
  frameEdit,
  framePoints,
  gesture,
  isFixed,
  labels,
  loadSuggestions,
  lookAt,
  openSet,
  redoLast,
  refusedEdits,
  saved,
  set,
  suggestions,
  undoLast,
} from "../parts/labelDesk";
import { Empty, NoRecording } from "../parts/Need";
import { drawMarker, drawNearest } from "../parts/overlays";
import { showFrame, TimeBar } from "../parts/TimeBar";
import { useKeys, type Actions } from "../parts/useKeys";
import { rounded } from "../roi";
import { clocks, focus, focusFrame, focusName, isMoving, moreMarks, open, playing, tell } from "../state";

const REACH = 11;
const JOINED = 300;
const REST = 120;
const SUGGESTED = 20;
const chosen = signal("");
const drag = signal<{ readonly keypoint: string; readonly at: Point } | null>(null);

/** Labels are filled, hidden points hollow and dashed, predictions hollow: they are no labels until accepted. */
function labelsOverlay(now: Labels, camera: string, isChosen: string): Overlay {
  const markers = markersOf(now.points);
  return (paint) => {
    const frame = framePoints(camera, paint.frame);
    if (frame === null) return;
    const spots = new Map<string, Point>();
    now.points.forEach((name) => {
      const label = frame.points[name] ?? null;
      const place = label ?? frame.predicted[name] ?? null;
      const held = drag.value?.keypoint === name ? drag.value.at : null;
      if (held !== null) spots.set(name, toScreen(paint.view, held));
      else if (place !== null && place.x !== null && place.y !== null) spots.set(name, toScreen(paint.view, { x: place.x, y: place.y }));
    });
    paint.context.lineWidth = 1;
    paint.context.strokeStyle = "#ffffff66";
    for (const [a, b] of now.edges) {
      const [from, to] = [spots.get(a), spots.get(b)];
      if (from === undefined || to === undefined) continue;
      paint.context.beginPath();
      paint.context.moveTo(from.x, from.y);
      paint.context.lineTo(to.x, to.y);
      paint.context.stroke();
    }
    now.points.forEach((name, k) => {
      const at = spots.get(name);
      const marker = markers[k];
      if (at === undefined || marker === undefined) return;
      const label = frame.points[name] ?? null;
      const isPlaced = label?.state === "placed" || drag.value?.keypoint === name;
      const isDashed = label === null ? isLow(frame.predicted[name]?.confidence ?? 1) : label.state === "invisible";
      drawMarker(paint.context, marker, at, { isFilled: isPlaced, alpha: 1, isDashed: isDashed && !isPlaced, isChosen: name === isChosen });
    });
    drawNearest(paint, [...spots].map(([name, at]) => ({ name, at })));
  };
}

function stateText(frame: LabelFrame, name: string): string {
  const point = frame.points[name] ?? null;
  if (point !== null) return point.state;
  const guess = frame.predicted[name];
  return guess === undefined ? "left" : `predicted ${guess.confidence?.toFixed(2) ?? ""}`;
}

function History({ camera, frame }: { readonly camera: string; readonly frame: number }) {
  const [lines, setLines] = useState<readonly LabelLine[] | null>(null);
  const id = set.value?.id;
  useEffect(() => setLines(null), [camera, frame]);
  const load = (): void => {
    if (id !== undefined) api.history(id, camera, frame).then(setLines).catch(tell);
  };
  const say = (point: LabelPoint | null): string => (point === null ? "nothing" : point.x === null ? point.state : `${point.state} ${point.x.toFixed(1)}, ${point.y?.toFixed(1) ?? ""}`);
  return (
    <details class="form" onToggle={(event) => event.currentTarget.open && load()}>
      <summary>history of this frame</summary>
      {lines !== null && lines.length === 0 && <p class="help">Nothing has been done on this frame.</p>}
      <ul class="list">
        {lines?.map((line) => (
          <li key={line.rev}>
            <span>
              {line.rev} {line.op} {line.keypoint} {line.op === "set" ? say(line.after) : line.text}
              <span class="muted">
                {" "}
                {line.who} {line.at.replace("T", " ").slice(0, 16)}
              </span>
            </span>
            {line.op === "set" && !isFixed.value && (
              <button type="button" class="plain" onClick={() => gesture(changeOf(camera, frame, line.keypoint, line.after))}>
                restore
              </button>
            )}
          </li>
        ))}
      </ul>
    </details>
  );
}

function Suggestions({ go }: { readonly go: (to: Suggestion) => void }) {
  const list = suggestions.value;
  const frame = focusFrame.value;
  const camera = focus.value?.id;
  const [n, setN] = useState(SUGGESTED);
  const at = list?.findIndex((one) => one.camera === camera && one.frame === frame) ?? -1;
  return (
    <fieldset>
      <legend>
        suggested {list !== null && list.length > 0 ? `${at < 0 ? "-" : at + 1} of ${list.length}` : ""} <span class="muted">worst first</span>
      </legend>
      {list === null ? (
        <button type="button" onClick={() => loadSuggestions(n)}>
          find frames worth labelling
        </button>
      ) : list.length === 0 ? (
        <p class="help">No frame stands out. Track the recording first, or choose frames yourself with A.</p>
      ) : (
        <ul class="list" aria-label="suggested frames">
          {list.map((one) => (
            <li key={`${one.camera}/${one.frame}`} aria-current={one.camera === camera && one.frame === frame ? "true" : undefined}>
              <button type="button" class="plain line" title={one.reason} onClick={() => go(one)}>
                <span class="number">{one.frame.toLocaleString("en-US")}</span> {one.reason}
              </button>
              <button
                type="button"
                class="plain"
                aria-label={`skip frame ${one.frame}`}
                onClick={() => {
                  frameEdit("note", one.camera, one.frame, { text: "skip" });
                  suggestions.value = list.filter((other) => other !== one);
                }}
              >
                skip
              </button>
            </li>
          ))}
        </ul>
      )}
      {list !== null && (
        <button
          type="button"
          onClick={() => {
            setN(n + SUGGESTED);
            loadSuggestions(n + SUGGESTED);
          }}
        >
          {SUGGESTED} more
        </button>
      )}
    </fieldset>
  );
}

function Conflict() {
  if (refusedEdits.value === null) return null;
  const names = refusedEdits.value.ops.map((op) => op.keypoint).filter((name) => name !== "");
  return (
    <div class="notice bad" role="alert">
      W904: somebody else has changed this frame since you saw it. Your edit of {names.join(", ") || "it"} is kept here.{" "}
      <button type="button" onClick={() => void chooseMine().catch(tell)}>
        keep mine
      </button>{" "}
      <button type="button" onClick={() => void chooseTheirs().catch(tell)}>
        take theirs
      </button>
    </div>
  );
}

function Desk({ recording, now }: { readonly recording: RecordingInfo; readonly now: Labels }) {
  const camera = focus.value;
  const frame = focusFrame.value;
  const nudges = useRef<{ timer: number; change: Change } | null>(null);
  const stretch = useRef<number | null>(null);
  const key = camera?.id ?? "";
  if (!now.points.includes(chosen.value)) chosen.value = now.points[0] ?? "";

  // Labels and predictions of the frame that rests.
  useSignalEffect(() => {
    const at = focusFrame.value;
    const id = focus.value?.id;
    if (at === null || id === undefined || playing.value || isMoving.value) return undefined;
    const timer = window.setTimeout(() => void lookAt(id, at).catch(tell), REST);
    return () => window.clearTimeout(timer);
  });

  // Labelled and suggested frames on the seek bar.
  useSignalEffect(() => {
    const clock = focus.value === null ? undefined : clocks.value.get(focus.value.id);
    const id = focus.value?.id ?? "";
    if (clock === undefined || labels.value === null) return;
    const mark = (kind: "labelled" | "suggested", one: number) => {
      const start = clock.times[one] ?? NaN;
      return { kind, start, stop: start, count: 1, text: `${kind} ${one}` };
    };
    moreMarks.value = [
      ...labelledFrames(labels.value, id).map((one) => mark("labelled", one)),
      ...(suggestions.value ?? []).filter((one) => one.camera === id).map((one) => mark("suggested", one.frame)),
    ];
  });
  useEffect(() => () => void (moreMarks.value = []), []);

  function joinNudges(): void {
    if (nudges.current === null) return;
    window.clearTimeout(nudges.current.timer);
    const { change } = nudges.current;
    nudges.current = null;
    if (!isSame(change.before, change.after)) gesture([change]);
  }

  function act(changes: readonly Change[]): void {
    joinNudges();
    gesture(changes);
  }

  function placeOf(name: string): Point | null {
    if (frame === null) return null;
    const found = framePoints(key, frame);
    const point = found?.points[name] ?? found?.predicted[name] ?? null;
    return point === null || point.x === null || point.y === null ? null : { x: point.x, y: point.y };
  }

  function nudge(dx: number, dy: number): void {
    const at = placeOf(chosen.value);
    if (at === null || frame === null || isFixed.value) return;
    const { before } = nudges.current?.change ?? changeOf(key, frame, chosen.value, null)[0] ?? { before: null };
    const change = { camera: key, frame, keypoint: chosen.value, before, after: placed(at.x + dx, at.y + dy) };
    window.clearTimeout(nudges.current?.timer);
    drawn([change]);
    nudges.current = { timer: window.setTimeout(joinNudges, JOINED), change };
  }

  function advance(): void {
    if (labels.value !== null && frame !== null) chosen.value = nextPoint(labels.value, key, frame, chosen.value);
  }

  function go(to: Suggestion | null): void {
    if (to === null) return;
    joinNudges();
    const name = recording.cameras.find((one) => one.id === to.camera)?.name;
    if (name !== undefined) focusName.value = name;
    showFrame(to.frame);
  }

  const suggest = (way: 1 | -1) => () => {
    if (suggestions.value === null) loadSuggestions(SUGGESTED);
    else go(nextSuggestion(suggestions.value, { camera: key, frame: frame ?? -1 }, way));
  };

  const labelled = (way: 1 | -1) => () => {
    if (frame === null) return;
    const frames = labelledFrames(now, key);
    const next = way > 0 ? frames.find((one) => one > frame) : frames.filter((one) => one < frame).pop();
    if (next !== undefined) showFrame(next);
  };

  const hide = (): void => {
    if (frame === null) return;
    const at = placeOf(chosen.value);
    if (at === null) return void tell("Place the point where you think it is, then press V.");
    act(changeOf(key, frame, chosen.value, invisible(at.x, at.y)));
    advance();
  };
  const remove = (): void => {
    if (frame === null) return;
    act(changeOf(key, frame, chosen.value, absent));
    advance();
  };
  const acceptFrame = (): void => {
    if (frame !== null) act(acceptAll(now, key, frame));
    if (suggestions.value !== null) suggest(1)();
  };
  const mark = (): void => {
    if (frame === null) return;
    if (stretch.current === null) stretch.current = frame;
    else {
      const [from, to] = [Math.min(stretch.current, frame), Math.max(stretch.current, frame)];
      frameEdit("mark_add", key, from, { mark: randomId().slice(0, 8), stop: to });
      stretch.current = null;
    }
  };
  const choosers = Object.fromEntries(
    now.points.slice(0, 9).map((name, k) => [`point${k + 1}`, () => (chosen.value = name)]),
  ) as Actions;

  useKeys({
    ...choosers,
    nextPoint: () => (chosen.value = now.points[(now.points.indexOf(chosen.value) + 1) % now.points.length] ?? ""),
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
    accept: acceptFrame,
    nextSuggestion: suggest(1),
    previousSuggestion: suggest(-1),
    nextLabelled: labelled(1),
    previousLabelled: labelled(-1),
    addFrame: () => void (frame !== null && frameEdit("frame_add", key, frame)),
    mark,
    copyPrevious: () => void (frame !== null && act(copyPrevious(now, key, frame))),
    undo: () => {
      joinNudges();
      undoLast();
    },
    redo: redoLast,
  });

  if (camera === null) return null;
  const found = frame === null ? null : framePoints(key, frame);
  const counts = frame === null ? null : countsOf(now, key, frame);
  const tool: Tool = {
    cursor: "crosshair",
    down: ({ picture, scale }: At) => {
      if (frame === null || isFixed.value) return;
      joinNudges();
      const near = pointAt(now, key, frame, picture.x, picture.y, REACH / scale);
      if (near !== null) chosen.value = near;
      drag.value = { keypoint: chosen.value, at: near === null ? picture : (placeOf(near) ?? picture) };
    },
    move: ({ picture }: At) => {
      if (drag.value !== null) drag.value = { ...drag.value, at: picture };
    },
    up: () => {
      const held = drag.value;
      drag.value = null;
      if (held === null || frame === null || labels.value === null) return;
      const before = framePoints(key, frame);
      const label = before?.points[held.keypoint] ?? null;
      const guess = before?.predicted[held.keypoint];
      const isUnmoved = guess !== undefined && guess.x === held.at.x && guess.y === held.at.y;
      const after = label === null && isUnmoved ? accepted(guess) : placed(held.at.x, held.at.y);
      if (label !== null && label.x === after.x && label.y === after.y) return;
      act([{ camera: key, frame, keypoint: held.keypoint, before: label, after }]);
      if (label === null) advance();
    },
  };
  void drag.value;
  return (
    <section class="screen" aria-labelledby="label">
      <header>
        <h2 id="label">
          {set.value?.name} <span class="muted">labels of {recording.name}</span>
        </h2>
        {recording.cameras.length > 1 && (
          <span role="group" aria-label="camera" class="buttons">
            {recording.cameras.map((one) => (
              <button key={one.id} type="button" aria-pressed={one.id === camera.id} onClick={() => (focusName.value = one.name)}>
                {one.name}
              </button>
            ))}
          </span>
        )}
        <span role="status" class={saved.value.startsWith("Saved") ? "muted" : "warning"}>
          {isFixed.value ? `read only${set.value?.holder ? `: held by ${set.value.holder}` : ""}` : saved.value}
        </span>
        <button type="button" disabled={!canUndo.value} onClick={undoLast}>
          undo
        </button>
        <button type="button" disabled={!canRedo.value} onClick={redoLast}>
          redo
        </button>
      </header>
      <Conflict />
      <div class="split">
        <div>
          <FramePanel key={camera.id} camera={camera} overlays={[labelsOverlay(now, camera.id, chosen.value)]} tool={tool} />
          <TimeBar />
          <div class="tools">
            {counts !== null && (
              <span class="muted" aria-label="points of this frame">
                placed {counts.placed}, invisible {counts.invisible}, absent {counts.absent}, left {counts.left}
              </span>
            )}
            <button type="button" onClick={acceptFrame}>
              accept all <kbd>Enter</kbd>
            </button>
            <button type="button" onClick={hide}>
              invisible <kbd>V</kbd>
            </button>
            <button type="button" onClick={remove}>
              absent <kbd>Delete</kbd>
            </button>
            <button type="button" onClick={() => void (frame !== null && act(copyPrevious(now, key, frame)))}>
              copy previous <kbd>C</kbd>
            </button>
            <button type="button" onClick={() => void (frame !== null && frameEdit("frame_add", key, frame))}>
              {found?.is_listed === true ? "in the set" : "add frame"} <kbd>A</kbd>
            </button>
          </div>
          {frame !== null && <History camera={camera.id} frame={frame} />}
        </div>
        <aside aria-label="points">
          <Suggestions go={go} />
          <ul class="list" aria-label="keypoints">
            {now.points.map((name, k) => (
              <li key={name} aria-current={name === chosen.value ? "true" : undefined}>
                <button type="button" class="plain" onClick={() => (chosen.value = name)}>
                  {k < 9 && <kbd>{k + 1}</kbd>} {name}
                </button>
                <span class="muted">{found === null ? "" : stateText(found, name)}</span>
              </li>
            ))}
          </ul>
          {frame !== null && found !== null && <Typed key={`${frame}${chosen.value}`} camera={camera.id} frame={frame} at={placeOf(chosen.value)} act={act} />}
          <Display />
        </aside>
      </div>
    </section>
  );
}

interface TypedProps {
  readonly camera: string;
  readonly frame: number;
  readonly at: Point | null;
  readonly act: (changes: readonly Change[]) => void;
}

/** The chosen point by its numbers. */
function Typed({ camera, frame, at, act }: TypedProps) {
  const field = (name: "x" | "y") => (
    <label>
      {name}
      <input
        type="number"
        step={0.25}
        disabled={isFixed.value}
        value={at === null ? "" : rounded(at[name], 2)}
        onChange={(event) => {
          const value = event.currentTarget.valueAsNumber;
          if (!Number.isFinite(value)) return;
          const next = { x: at?.x ?? 0, y: at?.y ?? 0, [name]: value };
          act(changeOf(camera, frame, chosen.value, placed(next.x, next.y)));
        }}
      />
    </label>
  );
  return (
    <fieldset class="numbers">
      <legend>{chosen.value}</legend>
      {field("x")}
      {field("y")}
    </fieldset>
  );
}

const KEYPOINT_SETS = ["mouse-face-13", "mouse-face-15", "mouse-face-22", "mouse-face-28", "human-face-21", "human-face-68"];

function NewSet({ recording }: { readonly recording: RecordingInfo }) {
  const [name, setName] = useState("face");
  const [keypoints, setKeypoints] = useState(KEYPOINT_SETS[0] ?? "");
  const make = (): void => {
    api
      .makeLabels(recording.id, { name, keypoints })
      .then(async (made) => {
        open.value = { ...recording, labels: [...recording.labels, { id: made.id, name: made.name }] };
        await openSet(made.id);
      })
      .catch(tell);
  };
  return (
    <section class="screen" aria-labelledby="label">
      <header>
        <h2 id="label">Label</h2>
      </header>
      <p class="notice">
        {recording.name} has no label set yet. A set holds the points that you place; it is what a model is trained on, and every edit in it is kept.
      </p>
      <form
        class="inline"
        onSubmit={(event) => {
          event.preventDefault();
          make();
        }}
      >
        <label>
          name <input value={name} required onInput={(event) => setName(event.currentTarget.value)} />
        </label>
        <label>
          points{" "}
          <select value={keypoints} onChange={(event) => setKeypoints(event.currentTarget.value)}>
            {KEYPOINT_SETS.map((one) => (
              <option key={one}>{one}</option>
            ))}
          </select>
        </label>
        <button type="submit">make the set</button>
      </form>
    </section>
  );
}

export function Label() {
  const recording = open.value;
  const first = recording?.labels[0];
  useEffect(() => {
    if (recording !== null && first !== undefined && !recording.labels.some((one) => one.id === set.value?.id)) openSet(first.id).catch(tell);
  }, [recording?.id, first?.id]);
  if (recording === null) return <NoRecording title="Label" />;
  if (recording.cameras.length === 0) return <Empty title="Label">The videos of {recording.name} are not here: there is no picture to label.</Empty>;
  if (first === undefined) return <NewSet recording={recording} />;
  const isHere = recording.labels.some((one) => one.id === set.value?.id);
  const isReady = recording.cameras.every((camera) => clocks.value.has(camera.id));
  if (labels.value === null || !isHere || !isReady) return <section class="screen" aria-busy="true" />;
  return <Desk recording={recording} now={labels.value} />;
}
