/** The cameras of a recording at one time, and what was measured. */

import { useState } from "preact/hooks";

import type { OutcomeInfo, RecordingInfo } from "../api.gen";
import { FramePanel } from "../parts/FramePanel";
import { TimeBar } from "../parts/TimeBar";
import { TracePanel } from "../parts/TracePanel";
import { clocks, open } from "../state";

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

export function View() {
  const recording = open.value;
  const [shown, setShown] = useState<readonly string[] | null>(null);
  if (recording === null) {
    return (
      <section class="screen">
        <p class="notice">
          No recording is open. Choose one under <a href="#s=recordings">Recordings</a>.
        </p>
      </section>
    );
  }
  const choices = recording.outcomes.flatMap(choicesOf);
  const chosen = shown ?? firstOf(recording).slice(0, 6);
  const isReady = recording.cameras.every((camera) => clocks.value.has(camera.id));
  return (
    <section class="screen" aria-labelledby="name">
      <header>
        <h2 id="name">{recording.name}</h2>
        {recording.cameras.map((camera) => (
          <span key={camera.id} class="muted">
            {camera.name}: {camera.n_frames.toLocaleString("en-US")} frames, {camera.width} × {camera.height}
          </span>
        ))}
        {recording.report && (
          <a href={`api/recordings/${recording.id}/report`} target="_blank" rel="noreferrer">
            report
          </a>
        )}
      </header>
      {isReady && (
        <>
          <div class="panels">
            {recording.cameras.map((camera) => (
              <FramePanel key={camera.id} camera={camera} />
            ))}
          </div>
          <TimeBar />
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
                />
              ))}
          </div>
        </>
      )}
    </section>
  );
}
