/** States over time: the ethogram, how often each comes, what follows what, and the picture of the moment. */

import { useSignalEffect } from "@preact/signals";
import { useEffect, useRef, useState } from "preact/hooks";

import * as api from "../api";
import type { OutcomeInfo, RecordingInfo, StateEditSet } from "../api.gen";
import { lastNotAfter, timeText } from "../clock";
import { numbers } from "../envelope";
import { palette } from "../palette.gen";
import { Clips } from "../parts/Clips";
import { FramePanel } from "../parts/FramePanel";
import { MeanFaces } from "../parts/MeanFaces";
import { isLight } from "../parts/theme";
import { Empty, NoRecording } from "../parts/Need";
import { showTime, TimeBar } from "../parts/TimeBar";
import { TracePanel } from "../parts/TracePanel";
import { endOf, hosts, joined, lookOf, nextBout, saying, statesOf, transitions, type Run, type Said } from "../runs";
import { clocks, focus, isReadOnly, open, said as announced, tell, time } from "../state";

interface Found {
  readonly runs: readonly Run[];
  /** First and last time of each run [s]. */
  readonly from: ArrayLike<number>;
  readonly to: ArrayLike<number>;
  /** Usual length of a sample [s]. */
  readonly step: number;
  /** States that a person does not want to see; they count as before. */
  readonly hidden: ReadonlySet<number>;
}

const HEIGHT = 56;

async function load(outcome: string): Promise<Found> {
  const body = await api.stateRuns(outcome, "label");
  const [start, stop, state] = ["start", "stop", "state"].map((name) => numbers(body, name));
  const runs = Array.from(start ?? [], (from, k) => ({ start: from, stop: (stop?.[k] ?? from) + 1, state: state?.[k] ?? -1 }));
  const [from, to] = [numbers(body, "from"), numbers(body, "to")];
  return { runs, from, to, step: Number(body.header["step"]), hidden: new Set() };
}

function Ethogram({ found, now }: { readonly found: Found; readonly now: number }) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const [first, last] = [found.from[0] ?? 0, (found.to[found.to.length - 1] ?? 1) + found.step];
  function draw(): void {
    const host = canvas.current;
    const context = host?.getContext("2d");
    if (!host || !context) return;
    const ratio = window.devicePixelRatio;
    const width = host.clientWidth;
    [host.width, host.height] = [Math.round(width * ratio), HEIGHT * ratio];
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    const x = (at: number): number => ((at - first) / (last - first)) * width;
    context.font = "11px system-ui, sans-serif";
    context.textAlign = "center";
    found.runs.forEach(({ state }, k) => {
      if (state < 0 || found.hidden.has(state)) return;
      const [a, b] = [x(found.from[k] ?? 0), x((found.to[k] ?? 0) + found.step)];
      const { colour, isHatched } = lookOf(state, palette.states.colours);
      context.fillStyle = colour;
      context.fillRect(a, 0, Math.max(0.5, b - a), HEIGHT - 14);
      if (isHatched) {
        context.strokeStyle = "#0007";
        for (let at = a; at < b; at += 5) context.strokeRect(at, 0, 0.1, HEIGHT - 14);
      }
      if (b - a > 12) {
        context.fillStyle = "#000";
        context.fillText(String(state), (a + b) / 2, 26);
      }
    });
    const at = x(time.value);
    void isLight.value;
    const style = getComputedStyle(host);
    context.fillStyle = style.getPropertyValue("--text");
    context.fillRect(at - 1, 0, 2, HEIGHT - 10);
    context.fillStyle = style.getPropertyValue("--muted");
    context.textAlign = "left";
    context.fillText(timeText(first), 0, HEIGHT - 2);
    context.textAlign = "right";
    context.fillText(timeText(last), width, HEIGHT - 2);
  }
  useSignalEffect(draw);
  useEffect(() => {
    draw();
    const watch = new ResizeObserver(draw);
    if (canvas.current !== null) watch.observe(canvas.current);
    return () => watch.disconnect();
  }, [found]);
  return (
    <canvas
      ref={canvas}
      class="ethogram"
      role="img"
      aria-label={`ethogram of ${found.runs.length} bouts; now state ${now < 0 ? "none" : now}`}
      onClick={(event) => {
        showTime(first + (event.offsetX / event.currentTarget.clientWidth) * (last - first));
      }}
    />
  );
}

function Swatch({ state }: { readonly state: number }) {
  const { colour, isHatched } = lookOf(state, palette.states.colours);
  return (
    <svg width="14" height="14" aria-hidden="true">
      <rect width="14" height="14" fill={colour} />
      {isHatched && <path d="M0 14L14 0M-3 5L5 -3M9 17L17 9" stroke="#0008" />}
    </svg>
  );
}

/** Runs as they are counted, with the first and last time of each. */
function counted(found: Found, edits: StateEditSet): Found {
  const runs = joined(found.runs, edits.states);
  return {
    runs: runs.map(({ start, stop, state }) => ({ start, stop, state })),
    from: runs.map(({ first }) => found.from[first] ?? 0),
    to: runs.map(({ last }) => found.to[last] ?? 0),
    step: found.step,
    hidden: new Set(edits.states.filter((one) => one.hidden).map((one) => one.state)),
  };
}

interface NamesProps {
  readonly states: readonly number[];
  readonly edits: StateEditSet;
  readonly say: (state: number, change: Partial<Omit<Said, "state">>) => void;
}

/** Names, merges and hidden states: beside the outcome, whose numbers stay. */
function Names({ states, edits, say }: NamesProps) {
  return (
    <details class="form">
      <summary>
        names and merges <span class="muted">{edits.states.length === 0 ? "none" : `${edits.states.length} states`}</span>
      </summary>
      <p class="help">Kept in states.edits.toml beside the outcome, whose numbers stay as they are.</p>
      <table aria-label="names and merges">
        <thead>
          <tr>
            <th scope="col">state</th>
            <th scope="col">name</th>
            <th scope="col">counted with</th>
            <th scope="col">hidden</th>
          </tr>
        </thead>
        <tbody>
          {states.map((state) => {
            const told = edits.states.find((one) => one.state === state);
            return (
              <tr key={state}>
                <th scope="row">
                  <Swatch state={state} /> {state}
                </th>
                <td>
                  <input
                    aria-label={`name of state ${state}`}
                    maxLength={100}
                    disabled={isReadOnly.value}
                    value={told?.name ?? ""}
                    onChange={(event) => say(state, { name: event.currentTarget.value.trim() })}
                  />
                </td>
                <td>
                  <select
                    aria-label={`state that ${state} is counted with`}
                    disabled={isReadOnly.value}
                    value={String(told?.merged_into ?? "")}
                    onChange={(event) => say(state, { merged_into: event.currentTarget.value === "" ? null : Number(event.currentTarget.value) })}
                  >
                    <option value="">itself</option>
                    {hosts(edits.states, states, state).map((one) => (
                      <option key={one} value={String(one)}>
                        {one}
                      </option>
                    ))}
                  </select>
                </td>
                <td>
                  <input
                    type="checkbox"
                    aria-label={`hide state ${state}`}
                    disabled={isReadOnly.value}
                    checked={told?.hidden ?? false}
                    onChange={(event) => say(state, { hidden: event.currentTarget.checked })}
                  />
                </td>
              </tr>
            );
          })}
        </tbody>
      </table>
    </details>
  );
}

function Bouts({ recording, outcome }: { readonly recording: RecordingInfo; readonly outcome: OutcomeInfo }) {
  const [measured, setMeasured] = useState<Found | null>(null);
  const [edits, setEdits] = useState<StateEditSet>({ rev: "", states: [] });
  const [found, setFound] = useState<Found | null>(null);
  const [wanted, setWanted] = useState<number | null>(null);
  useEffect(() => {
    setWanted(null);
    setMeasured(null);
    load(outcome.id).then(setMeasured).catch(tell);
    api.stateEdits(outcome.id).then(setEdits).catch(tell);
  }, [outcome.id]);
  useEffect(() => setFound(measured === null ? null : counted(measured, edits)), [measured, edits]);
  function say(state: number, change: Partial<Omit<Said, "state">>): void {
    api
      .putStateEdits(outcome.id, { ...edits, states: saying(edits.states, state, change) })
      .then((kept) => {
        setEdits(kept);
        announced.value = "states saved";
      })
      .catch((error: unknown) => {
        tell(error);
        api.stateEdits(outcome.id).then(setEdits).catch(tell);
      });
  }
  if (found === null || measured === null) return <p class="muted">…</p>;
  const nameOf = (state: number): string => edits.states.find((one) => one.state === state)?.name ?? "";
  const { runs, from, to, step } = found;
  const run = lastNotAfter(from, time.value + 1e-6);
  const now = time.value < (to[run] ?? -Infinity) + step ? (runs[run]?.state ?? -1) : -1;
  const rows = statesOf(runs).filter(({ state }) => !found.hidden.has(state));
  const states = rows.map(({ state }) => state);
  const table = transitions(runs, states);
  const go = (state: number): void => {
    const next = nextBout(runs, state, runs[run]?.start ?? -1);
    if (next !== null) showTime(from[runs.indexOf(next)] ?? time.value);
  };
  const chosen = wanted !== null && states.includes(wanted) ? wanted : states[0];
  const seen = focus.value ?? recording.cameras[0];
  const posterior = outcome.variables.find((one) => one.name === "posterior");
  return (
    <>
      {recording.cameras.length > 0 && (
        <div class="panels">
          {recording.cameras.map((camera) => (
            <FramePanel key={camera.id} camera={camera} />
          ))}
        </div>
      )}
      <TimeBar />
      <Ethogram found={found} now={now} />
      <div class="columns">
        <table aria-label="states">
          <thead>
            <tr>
              <th scope="col">state</th>
              <th scope="col">bouts</th>
              <th scope="col">share of time</th>
              <th scope="col">median bout</th>
              <th scope="col"></th>
            </tr>
          </thead>
          <tbody>
            {rows.map(({ state, bouts, share, median }) => (
              <tr key={state} aria-current={state === now ? "true" : undefined}>
                <td>
                  <Swatch state={state} /> {state} {nameOf(state)}
                </td>
                <td class="number">{bouts}</td>
                <td class="number">{(100 * share).toFixed(1)} %</td>
                <td class="number">{(median * step).toFixed(2)} s</td>
                <td>
                  <button type="button" aria-label={`next bout of state ${state}`} onClick={() => go(state)}>
                    next bout ›
                  </button>
                </td>
              </tr>
            ))}
          </tbody>
        </table>
        <table aria-label="transitions between states">
          <thead>
            <tr>
              <th scope="col">from, to</th>
              {states.map((state) => (
                <th key={state} scope="col">
                  {state}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {table.map((row, k) => (
              <tr key={states[k]}>
                <th scope="row">{states[k]}</th>
                {row.map((count, column) => (
                  <td key={column} class={count === 0 ? "muted number" : "number"}>
                    {count}
                  </td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {outcome.variables.some((one) => one.name === "face_mean") && (
        <MeanFaces outcome={outcome.id} states={states} now={chosen ?? -1} nameOf={nameOf} choose={setWanted} />
      )}
      {chosen !== undefined && seen !== undefined && (
        <Clips
          outcome={outcome.id}
          state={chosen}
          title={`state ${chosen} ${nameOf(chosen)}`.trim()}
          camera={seen}
          colour={lookOf(chosen, palette.states.colours).colour}
        />
      )}
      <Names states={statesOf(measured.runs).map(({ state }) => state)} edits={edits} say={say} />
      {posterior !== undefined && now >= 0 && (
        <TracePanel key={now} outcome={outcome.id} variable="posterior" select={{ state: String(now) }} title={`posterior of state ${now}${edits.states.some((one) => one.merged_into !== null && endOf(edits.states, one.state) === now) ? " without those merged into it" : ""}`} />
      )}
    </>
  );
}

export function States() {
  const recording = open.value;
  const [chosen, setChosen] = useState(0);
  if (recording === null) return <NoRecording title="States" />;
  const found = recording.outcomes.filter((one) => one.analysis === "states");
  const outcome = found[chosen] ?? found[0];
  if (outcome === undefined) {
    return (
      <Empty title="States">
        {recording.name} has no states yet. They are found in keypoints: <code>mystax states {recording.name}.mystax --k auto</code>
      </Empty>
    );
  }
  if (!recording.cameras.every((camera) => clocks.value.has(camera.id))) return <section class="screen" aria-busy="true" />;
  return (
    <section class="screen" aria-labelledby="states">
      <header>
        <h2 id="states">States of {recording.name}</h2>
        {found.length > 1 && (
          <select aria-label="outcome" value={chosen} onChange={(event) => setChosen(Number(event.currentTarget.value))}>
            {found.map((one, k) => (
              <option key={one.id} value={k}>
                {one.camera || `states ${k + 1}`}
              </option>
            ))}
          </select>
        )}
      </header>
      <Bouts recording={recording} outcome={outcome} />
    </section>
  );
}
