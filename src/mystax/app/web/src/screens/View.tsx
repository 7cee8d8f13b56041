/** The cameras of a recording at one time, and what was measured. */

import { useState } from "preact/hooks";

import type { OutcomeInfo, RecordingInfo } from "../api.gen";
import { compared } from "../parts/compared";
import { Display } from "../parts/Display";
import { FramePanel } from "../parts/FramePanel";
import { Masks } from "../parts/Masks";
import { NoRecording } from "../parts/Need";
import { ComparedKey, hasPoints, overlaysOf, PointChoices, shownFolder } from "../parts/PointChoices";
import { pointsAt, pointsCome, type FramePoints } from "../parts/points";
import { ReportLink } from "../parts/ReportLink";
import { TimeBar } from "../parts/TimeBar";
import { TracePanel } from "../parts/TracePanel";
import { corners, isLow, LOW, markersOf } from "../markers";
import { runOpen } from "./Queue";
import { poseOf } from "../pose";
import { addressOf, clocks, focus, focusFrame, focusName, isReadOnly, open } from "../state";

interface Choice {
  readonly key: string;
  readonly outcome: string;
  readonly variable: string;
  readonly select: Readonly<Record<string, string>>;
  readonly title: string;
}

/** Variables that are shown first, by analysis. */
const FIRST: Readonly<Record<string, string>> = { motion: "energy", pupil: "area", blink: "openness", running: "speed" };

function choicesOf(outcome: OutcomeInfo): Choice[] {
  const variables = outcome.variables.filter((one) => one.is_trace && one.dims.length <= 2);
  return variables.flatMap((variable) => {
    const dim = variable.dims.find((name) => name !== "time");
    const labels = dim === undefined ? [""] : (variable.labels[dim] ?? []).slice(0, 4);
    return labels.map((label) => ({
      key: `${outcome.id}/${variable.name}/${label}`,
      outcome: outcome.id,
      variable: variable.name,
      select: dim === undefined ? {} : { [dim]: label },
      title: [outcome.analysis, outcome.camera, variable.name, label].filter((word) => word !== "").join(" · "),
    }));
  });
}

function firstOf(recording: RecordingInfo): string[] {
  return recording.outcomes.flatMap((outcome) =>
    choicesOf(outcome)
      .filter((choice) => FIRST[outcome.analysis] === choice.variable)
      .slice(0, 1)
      .map((choice) => choice.key),
  );
}

/** Names and confidences of the points in the picture of the camera in focus. */
function Points({ found }: { readonly found: FramePoints | null }) {
  if (found === null) return null;
  const markers = markersOf(found.names);
  return (
    <fieldset class="points">
      <legend>keypoints</legend>
      <dl>
        {found.names.map((name, k) => {
          const confidence = found.confidence[k] ?? NaN;
          return (
            <div key={name}>
              <dt>
                <svg viewBox="-8 -8 16 16" width="14" height="14" aria-hidden="true">
                  {markers[k]?.figure === "circle" ? (
                    <circle r="5.5" fill={markers[k]?.colour} />
                  ) : (
                    <polygon points={corners(markers[k]?.figure ?? "hexagon", 6.5).join(" ")} fill={markers[k]?.colour} />
                  )}
                </svg>{" "}
                {name}
              </dt>
              <dd class={isLow(confidence) ? "number warning" : "number"}>{Number.isFinite(confidence) ? confidence.toFixed(2) : "-"}</dd>
            </div>
          );
        })}
      </dl>
      <p class="help">Opacity is confidence; dashed below {LOW}.</p>
    </fieldset>
  );
}

function Inspector({ recording }: { readonly recording: RecordingInfo }) {
  const camera = focus.value;
  const pose = camera === null ? null : poseOf(recording, camera.name, shownFolder.value);
  const frame = focusFrame.value;
  void pointsCome.value;
  return (
    <aside aria-label="inspector">
      {recording.cameras.length > 1 && (
        <label class="check">
          camera
          <select value={camera?.name ?? ""} onChange={(event) => (focusName.value = event.currentTarget.value)}>
            {recording.cameras.map((one) => (
              <option key={one.id}>{one.name}</option>
            ))}
          </select>
        </label>
      )}
      {pose !== null && (
        <label class="check">
          <input type="checkbox" checked={hasPoints.value} onChange={(event) => (hasPoints.value = event.currentTarget.checked)} />
          draw keypoints
        </label>
      )}
      {pose !== null && hasPoints.value && <PointChoices recording={recording} />}
      {compared.value?.recording === recording.id && <ComparedKey />}
      {pose !== null && frame !== null && hasPoints.value && <Points found={pointsAt(pose.id, frame)} />}
      {pose === null && recording.cameras.length > 0 && (
        <p class="notice">
          No keypoints yet: <code>mystax track VIDEO</code>
        </p>
      )}
      <Display />
    </aside>
  );
}

export function View() {
  const recording = open.value;
  const [shown, setShown] = useState<readonly string[] | null>(null);
  const [more, setMore] = useState<readonly Choice[]>([]);
  if (recording === null) return <NoRecording title="View" />;
  const choices = [...recording.outcomes.flatMap(choicesOf), ...more];
  const chosen = shown ?? firstOf(recording).slice(0, 6);
  const isReady = recording.cameras.every((camera) => clocks.value.has(camera.id));
  void pointsCome.value;
  const masked = recording.outcomes.filter((one) => one.variables.some(({ name }) => name.endsWith("_mask")));
  function component(outcome: OutcomeInfo, variable: string, select: Readonly<Record<string, string>>): void {
    const key = `${outcome.id}/${variable}/${JSON.stringify(select)}`;
    const number = Number(select["component"]) + 1;
    const title = [outcome.analysis, outcome.camera, select["roi"] ?? "", `component ${number}`].filter((word) => word !== "").join(" · ");
    if (!choices.some((one) => one.key === key)) setMore([...more, { key, outcome: outcome.id, variable, select, title }]);
    if (!chosen.includes(key)) setShown([...chosen, key]);
  }
  return (
    <section class="screen" aria-labelledby="name">
      <header>
        <h2 id="name">{recording.name}</h2>
        {recording.cameras.map((camera) => (
          <span key={camera.id} class="muted">
            {camera.name}: {camera.n_frames.toLocaleString("en-US")} frames, {camera.width} × {camera.height}
          </span>
        ))}
        {recording.outcomes.length === 0 && recording.cameras.length > 0 && (
          <button type="button" disabled={isReadOnly.value} onClick={() => void runOpen()}>
            measure it
          </button>
        )}
        {recording.report && (
          <ReportLink path={`recordings/${recording.id}/report`} name={recording.name}>
            report
          </ReportLink>
        )}
      </header>
      {recording.refusals.map((text) => (
        <p key={text} class="notice">
          {text}
        </p>
      ))}
      {recording.cameras.length === 0 && <p class="notice">The videos of this recording are not here; what was measured is shown below.</p>}
      {isReady && (
        <>
          <div class={recording.cameras.length > 0 ? "split" : ""}>
            <div>
              {recording.cameras.length > 0 && (
                <div class="panels">
                  {recording.cameras.map((camera) => (
                    <FramePanel key={camera.id} camera={camera} overlays={overlaysOf(recording, camera)} />
                  ))}
                </div>
              )}
              <TimeBar />
              {choices.length === 0 ? (
                <p class="notice">
                  No traces yet. Draw <a href={addressOf("rois", recording.id)}>ROIs</a> and run them, or{" "}
                  <code>mystax run VIDEO</code>.
                </p>
              ) : (
                <label>
                  <span class="muted">add a trace </span>
                  <select
                    value=""
                    onChange={(event) => {
                      const key = event.currentTarget.value;
                      if (key !== "" && !chosen.includes(key)) setShown([...chosen, key]);
                      event.currentTarget.value = "";
                    }}
                  >
                    <option value="">…</option>
                    {choices.map((choice) => (
                      <option key={choice.key} value={choice.key}>
                        {choice.title}
                      </option>
                    ))}
                  </select>
                </label>
              )}
              <div class="traces">
                {choices
                  .filter((choice) => chosen.includes(choice.key))
                  .map((choice) => (
                    <TracePanel
                      key={choice.key}
                      outcome={choice.outcome}
                      variable={choice.variable}
                      select={choice.select}
                      title={choice.title}
                      close={() => setShown(chosen.filter((key) => key !== choice.key))}
                    />
                  ))}
              </div>
              {masked.map((outcome) => (
                <Masks key={outcome.id} outcome={outcome} choose={(variable, select) => component(outcome, variable, select)} />
              ))}
            </div>
            {recording.cameras.length > 0 && <Inspector recording={recording} />}
          </div>
        </>
      )}
    </section>
  );
}
