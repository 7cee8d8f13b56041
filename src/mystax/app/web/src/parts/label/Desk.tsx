/** The desk at which a frame is labelled: picture, time, points, suggestions. */

import { useSignalEffect } from "@preact/signals";
import { useEffect } from "preact/hooks";

import type { LabelFrame, RecordingInfo } from "../../api.gen";
import { timeOf } from "../../clock";
import { countsOf, labelledFrames, type Labels } from "../../labels";
import { clocks, focus, focusFrame, focusName, isMoving, moreMarks, playing, tell } from "../../state";
import { Display } from "../Display";
import { FramePanel } from "../FramePanel";
import { KeyHint } from "../KeyHint";
import { canRedo, canUndo, framePoints, isFixed, labels, lookAt, redoLast, saved, set, suggestions } from "../labelDesk";
import { TimeBar } from "../TimeBar";
import { useKeys } from "../useKeys";
import { Conflict } from "./Conflict";
import { act, acceptFrame, addFrame, chosen, copyLabels, drag, go, hide, labelActions, labelTool, placeOf, remove, undoGesture } from "./hand";
import { curves, curvesOverlay, useCurves } from "./curves";
import { History } from "./History";
import { labelsOverlay } from "./overlay";
import { PointSet } from "./PointSet";
import { Strip } from "./Strip";
import { Suggestions } from "./Suggestions";
import { Train } from "./Train";
import { Typed } from "./Typed";

const REST = 120;

/** Labels and predictions of the frame that rests. */
function useFrameLabels(): void {
  useSignalEffect(() => {
    const at = focusFrame.value;
    const id = focus.value?.id;
    if (at === null || id === undefined || playing.value || isMoving.value) return undefined;
    const timer = window.setTimeout(() => void lookAt(id, at).catch(tell), REST);
    return () => window.clearTimeout(timer);
  });
}

/** Labelled and suggested frames on the seek bar. */
function useMarks(): void {
  useSignalEffect(() => {
    const id = focus.value?.id ?? "";
    const clock = clocks.value.get(id);
    if (clock === undefined || labels.value === null) return;
    const mark = (kind: "labelled" | "suggested", one: number) => {
      const start = timeOf(clock, one) ?? 0;
      return { kind, start, stop: start, count: 1, text: `${kind} ${one}` };
    };
    moreMarks.value = [
      ...labelledFrames(labels.value, id).map((one) => mark("labelled", one)),
      ...(suggestions.value ?? []).filter((one) => one.camera === id).map((one) => mark("suggested", one.frame)),
    ];
  });
  useEffect(() => () => void (moreMarks.value = []), []);
}

function Header({ recording }: { readonly recording: RecordingInfo }) {
  return (
    <header>
      <h2 id="label">
        {set.value?.name} <span class="muted">labels of {recording.name}</span>
      </h2>
      {recording.cameras.length > 1 && (
        <span role="group" aria-label="camera" class="buttons">
          {recording.cameras.map((one) => (
            <button key={one.id} type="button" aria-pressed={one.id === focus.value?.id} onClick={() => (focusName.value = one.name)}>
              {one.name}
            </button>
          ))}
        </span>
      )}
      <span role="status" class={saved.value.startsWith("Saved") ? "muted" : "warning"}>
        {isFixed.value ? `read only${set.value?.holder ? `: held by ${set.value.holder}` : ""}` : saved.value}
      </span>
      <button type="button" disabled={!canUndo.value} onClick={undoGesture}>
        undo
      </button>
      <button type="button" disabled={!canRedo.value} onClick={redoLast}>
        redo
      </button>
    </header>
  );
}

interface FrameProps {
  readonly recording: RecordingInfo;
  readonly now: Labels;
  readonly found: LabelFrame | null;
}

/** What can be done with the whole frame. */
function FrameTools({ recording, now, found }: FrameProps) {
  const counts = found === null ? null : countsOf(now, found.camera, found.frame);
  return (
    <div class="tools">
      {counts !== null && (
        <span class="muted" aria-label="points of this frame">
          placed {counts.placed}, invisible {counts.invisible}, absent {counts.absent}, left {counts.left}
        </span>
      )}
      <button type="button" onClick={() => acceptFrame(recording)}>
        accept all <KeyHint action="accept" />
      </button>
      <button type="button" onClick={hide}>
        invisible <KeyHint action="invisible" />
      </button>
      <button type="button" onClick={remove}>
        absent <KeyHint action="absent" />
      </button>
      <button type="button" onClick={copyLabels}>
        copy previous <KeyHint action="copyPrevious" />
      </button>
      <button type="button" onClick={addFrame}>
        {found?.is_listed === true ? "in the set" : "add frame"} <KeyHint action="addFrame" />
      </button>
    </div>
  );
}

function stateText(frame: LabelFrame, name: string): string {
  const point = frame.points[name] ?? null;
  if (point !== null) return point.state;
  const guess = frame.predicted[name];
  return guess === undefined ? "left" : `predicted ${guess.confidence?.toFixed(2) ?? ""}`;
}

/** The points of the set, and what each is in this frame. */
function PointList({ now, found }: { readonly now: Labels; readonly found: LabelFrame | null }) {
  return (
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
  );
}

export function Desk({ recording, now }: { readonly recording: RecordingInfo; readonly now: Labels }) {
  const camera = focus.value;
  const frame = focusFrame.value;
  if (!now.points.includes(chosen.value)) chosen.value = now.points[0] ?? "";
  useFrameLabels();
  useMarks();
  useCurves(recording);
  useKeys(labelActions(recording, now.points));
  if (camera === null) return null;
  const found = frame === null ? null : framePoints(camera.id, frame);
  void drag.value;
  void curves.value;
  return (
    <section class="screen" aria-labelledby="label">
      <Header recording={recording} />
      <Conflict />
      <div class="split">
        <div>
          <FramePanel key={camera.id} camera={camera} overlays={[curvesOverlay(camera.id), labelsOverlay(now, camera.id, chosen.value)]} tool={labelTool} />
          <TimeBar />
          <Strip recording={recording} />
          <FrameTools recording={recording} now={now} found={found} />
          {frame !== null && <History camera={camera.id} frame={frame} />}
          {set.value !== null && <PointSet now={set.value} />}
          <Train recording={recording.name} />
        </div>
        <aside aria-label="points">
          <Suggestions go={(to) => go(recording, to)} />
          <PointList now={now} found={found} />
          {found !== null && <Typed key={`${found.frame}${chosen.value}`} camera={camera.id} frame={found.frame} at={placeOf(chosen.value)} act={act} />}
          <Display />
        </aside>
      </div>
    </section>
  );
}
