/** Any two models, or outcomes of the tracker, on the labelled frames of the open recording. */

import { useEffect, useState } from "preact/hooks";

import * as api from "../api";
import type { Judged, ModelInfo, RecordingInfo } from "../api.gen";
import { timeOf } from "../clock";
import { sideBySide, unfair, winner, type SideBySide, type WorstFrame } from "../comparison";
import { errorText } from "../evaluation";
import { canCancel, cellText } from "../jobs";
import { clocks, focusName, open, tell, time } from "../state";
import { cameraOf, compared } from "./compared";
import { useQueue } from "./useQueue";

interface Choice {
  readonly key: string;
  readonly title: string;
  readonly judged: Judged;
}

/** Who can be compared: all weights, and each folder of outcomes with keypoints. */
function choicesOf(models: readonly ModelInfo[], recording: RecordingInfo): readonly Choice[] {
  const weights = models.map((one) => ({ key: one.id, title: `weights ${one.name}`, judged: { kind: "model" as const, id: one.id } }));
  const seen = new Set<string>();
  const outcomes = recording.outcomes.flatMap((one) => {
    if (one.analysis !== "pose" || seen.has(one.folder)) return [];
    seen.add(one.folder);
    return [{ key: one.id, title: `outcome ${one.folder}`, judged: { kind: "outcome" as const, id: one.id } }];
  });
  return [...weights, ...outcomes];
}

function Pick({ label, choices, value, set }: { readonly label: string; readonly choices: readonly Choice[]; readonly value: string; readonly set: (key: string) => void }) {
  return (
    <label>
      {label}
      <select value={value} onChange={(event) => set(event.currentTarget.value)}>
        {choices.map((one) => (
          <option key={one.key} value={one.key}>
            {one.title}
          </option>
        ))}
      </select>
    </label>
  );
}

/** Go to a frame of the comparison, where its places are drawn. */
function see(recording: RecordingInfo, found: SideBySide, worst: WorstFrame): void {
  const camera = cameraOf(recording.cameras, worst);
  const clock = clocks.value.get(camera?.id ?? "");
  const at = clock === undefined ? undefined : timeOf(clock, worst.frame);
  if (camera === undefined || at === undefined) return;
  compared.value = { recording: recording.id, found };
  focusName.value = camera.name;
  time.value = at;
  window.location.hash = `#s=view&r=${recording.id}`;
}

function Found({ recording, found }: { readonly recording: RecordingInfo; readonly found: SideBySide }) {
  const [first, second] = found.names;
  return (
    <>
      <p>{winner(found)}</p>
      {unfair(found).map((one) => (
        <p key={one} class="warning">
          {one}
        </p>
      ))}
      <p class="muted">
        {found.n_frames} labelled frames{found.n_left_out > 0 && `, ${found.n_left_out} left out: one of the two says nothing of them`}
      </p>
      <div class="columns">
        <table aria-label="errors side by side">
          <thead>
            <tr>
              <th scope="col">point</th>
              <th scope="col">labels</th>
              <th scope="col">{first} [px@256]</th>
              <th scope="col">{second} [px@256]</th>
            </tr>
          </thead>
          <tbody>
            {found.rows.map((row) => (
              <tr key={row.name}>
                <th scope="row">{row.name}</th>
                <td class="number">{row.n}</td>
                <td class="number">{errorText(row.means[0])}</td>
                <td class="number">{errorText(row.means[1])}</td>
              </tr>
            ))}
          </tbody>
        </table>
        <table aria-label="worst frames">
          <thead>
            <tr>
              <th scope="col">worst frames first</th>
              <th scope="col">{first}</th>
              <th scope="col">{second}</th>
            </tr>
          </thead>
          <tbody>
            {found.worst.map((one) => (
              <tr key={`${one.file}:${one.frame}`}>
                <td>
                  <button type="button" class="plain" disabled={cameraOf(recording.cameras, one) === undefined} onClick={() => see(recording, found, one)}>
                    {one.file}, frame {one.frame.toLocaleString("en-US")}
                  </button>
                </td>
                <td class="number">{errorText(one.errors[0])}</td>
                <td class="number">{errorText(one.errors[1])}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </>
  );
}

function Compare({ recording, models }: { readonly recording: RecordingInfo; readonly models: readonly ModelInfo[] }) {
  const choices = choicesOf(models, recording);
  const [set, setSet] = useState(recording.labels[0]?.id ?? "");
  const [first, setFirst] = useState(choices[0]?.key ?? "");
  const [second, setSecond] = useState(choices[1]?.key ?? "");
  const [job, setJob] = useState<string | null>(null);
  const [found, setFound] = useState<SideBySide | null>(compared.peek()?.recording === recording.id ? (compared.peek()?.found ?? null) : null);
  const [queue] = useQueue();
  const row = queue?.jobs.find((one) => one.id === job);
  useEffect(() => {
    if (row?.state === "done") api.comparison(row.id).then((table) => setFound(sideBySide(table))).catch(tell);
  }, [row?.id, row?.state]);
  const judged = (key: string): Judged | undefined => choices.find((one) => one.key === key)?.judged;
  const isBusy = row !== undefined && canCancel(row.state);
  function start(): void {
    const [one, other] = [judged(first), judged(second)];
    if (one === undefined || other === undefined) return;
    setFound(null);
    api
      .compare(set, { first: one, second: other })
      .then(({ ids }) => setJob(ids[0] ?? null))
      .catch(tell);
  }
  return (
    <>
      <form
        class="train"
        onSubmit={(event) => {
          event.preventDefault();
          start();
        }}
      >
        <label>
          judged by the labels
          <select value={set} onChange={(event) => setSet(event.currentTarget.value)}>
            {recording.labels.map((one) => (
              <option key={one.id} value={one.id}>
                {one.name}
              </option>
            ))}
          </select>
        </label>
        <Pick label="first" choices={choices} value={first} set={setFirst} />
        <Pick label="second" choices={choices} value={second} set={setSecond} />
        <button type="submit" disabled={isBusy || first === second || second === ""}>
          compare
        </button>
      </form>
      {row !== undefined && row.state !== "done" && (
        <p role="status" class={row.error === null ? "muted" : "error"}>
          {cellText(row)} {row.error !== null && `${row.error["where"] ?? ""}: ${row.error["what"] ?? ""} ${row.error["hint"] ?? ""}`}
        </p>
      )}
      {found !== null && <Found recording={recording} found={found} />}
    </>
  );
}

export function CompareTwo({ models }: { readonly models: readonly ModelInfo[] }) {
  const recording = open.value;
  return (
    <section aria-label="compare two">
      <h3>Compare two</h3>
      {recording === null && (
        <p class="help">
          Open a recording with labels under <a href="#s=recordings">Recordings</a>: its labelled frames are the judge.
        </p>
      )}
      {recording !== null && recording.labels.length === 0 && (
        <p class="help">
          {recording.name} has no labels yet: place some under <a href={`#s=label&r=${recording.id}`}>Label</a>.
        </p>
      )}
      {recording !== null && recording.labels.length > 0 && <Compare key={recording.id} recording={recording} models={models} />}
    </section>
  );
}
