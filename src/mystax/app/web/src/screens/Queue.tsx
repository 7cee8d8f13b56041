/** The queue: what waits, runs, is done or has failed, and why. */

import { useEffect, useState } from "preact/hooks";

import * as api from "../api";
import type { JobRow, JobWanted, QueueState } from "../api.gen";
import { canCancel, canRetry, cellText, lasting, summary, tableOf } from "../jobs";
import { refuse } from "../parts/ParameterForm";
import { useQueue } from "../parts/useQueue";
import { isReadOnly, open, said, tell } from "../state";

const AGAIN = 3000;

/** Ask for the whole recipe of the open recording, and say where it is seen. */
export async function runOpen(parameters: JobWanted["parameters"] = {}): Promise<void> {
  const recording = open.value;
  if (recording === null) return;
  try {
    const { ids } = await api.addJobs({ recording: recording.id, recipe: "standard", analyses: [], parameters, force: false });
    said.value = ids.length === 0 ? "Nothing to do: all outcomes are current" : `${ids.length} ${ids.length === 1 ? "job" : "jobs"} queued`;
    window.location.hash = `#s=queue&r=${recording.id}`;
  } catch (error) {
    refuse(error);
    tell(error);
  }
}

/** What was measured meanwhile is shown when its screen is opened next. */
function useFresh(done: number): void {
  useEffect(() => {
    const recording = open.value;
    if (recording === null || done === 0) return;
    api
      .recording(recording.id)
      .then((found) => {
        if (open.value?.id === found.id) open.value = found;
      })
      .catch(() => undefined);
  }, [done]);
}

function Log({ job }: { readonly job: JobRow }) {
  const [lines, setLines] = useState<readonly string[]>([]);
  useEffect(() => {
    let isCurrent = true;
    let timer = 0;
    let after = 0;
    const read = (): void => {
      api
        .jobLog(job.id, after)
        .then((found) => {
          if (!isCurrent) return;
          after = found.next;
          if (found.lines.length > 0) setLines((old) => [...old, ...found.lines].slice(-400));
          if (found.state === "running") timer = window.setTimeout(read, AGAIN);
        })
        .catch(tell);
    };
    read();
    return () => {
      isCurrent = false;
      window.clearTimeout(timer);
    };
  }, [job.id]);
  return <pre tabIndex={0} aria-label={`log of ${job.recording}`}>{lines.length === 0 ? "The log is empty." : lines.join("\n")}</pre>;
}

function Detail({ job, set }: { readonly job: JobRow; readonly set: (state: QueueState) => void }) {
  const act = (action: "cancel" | "retry") => () => void api.jobAction(job.id, action).then(set).catch(tell);
  return (
    <fieldset aria-label="job">
      <legend>
        {job.recording} · {job.analyses.join(", ") || job.kind}
      </legend>
      <dl>
        <div>
          <dt>state</dt>
          <dd>{cellText(job)}</dd>
        </div>
        {job.reason !== "" && (
          <div>
            <dt>reason</dt>
            <dd>{job.reason}</dd>
          </div>
        )}
        {job.rate !== null && (
          <div>
            <dt>speed</dt>
            <dd class="number">{Math.round(job.rate)} frames/s</dd>
          </div>
        )}
        {job.seconds !== null && (
          <div>
            <dt>took</dt>
            <dd class="number">{lasting(job.seconds)}</dd>
          </div>
        )}
      </dl>
      {job.error !== null && (
        <p class="error">
          {job.error["code"]} {job.error["where"]}: {job.error["what"]} {job.error["hint"] && `Hint: ${job.error["hint"]}`}
        </p>
      )}
      <div class="buttons">
        <button type="button" disabled={!canCancel(job.state) || isReadOnly.value} onClick={act("cancel")}>
          cancel
        </button>
        <button type="button" disabled={!canRetry(job.state) || isReadOnly.value} onClick={act("retry")}>
          retry
        </button>
      </div>
      <Log key={job.id} job={job} />
    </fieldset>
  );
}

const CLASSES: Readonly<Record<string, string>> = { failed: "error", blocked: "warning", stale: "warning", waiting: "muted", queued: "muted" };

export function Queue() {
  const [state, setState] = useQueue();
  useFresh(state?.counts["done"] ?? 0);
  const [text, setText] = useState("");
  const [chosen, setChosen] = useState<string | null>(null);
  const jobs = state?.jobs ?? [];
  const { columns, rows } = tableOf(jobs.filter((job) => `${job.recording} ${job.state}`.toLowerCase().includes(text.toLowerCase())));
  const job = jobs.find((one) => one.id === chosen);
  const isWaiting = jobs.some((one) => canCancel(one.state));
  return (
    <section class="screen" aria-labelledby="queue">
      <header>
        <h2 id="queue">Queue</h2>
        <input type="search" aria-label="filter jobs" placeholder="recording or state" value={text} onInput={(event) => setText(event.currentTarget.value)} />
        {state !== null && (
          <span role="status" class="muted">
            {summary(state.counts)}
            {state.eta !== null && `, ${lasting(state.eta)} left`}
          </span>
        )}
        {open.value !== null && (
          <button type="button" disabled={isReadOnly.value} onClick={() => void runOpen()}>
            run {open.value.name}
          </button>
        )}
        {state !== null && isWaiting && !state.is_worked && (
          <button type="button" disabled={isReadOnly.value} onClick={() => void api.work().then(setState).catch(tell)}>
            run on this computer
          </button>
        )}
      </header>
      {said.value !== "" && <p class="muted">{said.value}</p>}
      {state === null && <p class="muted" aria-busy="true">…</p>}
      {state !== null && jobs.length === 0 && (
        <p class="notice">
          Nothing is queued. Open a recording under <a href="#s=recordings">Recordings</a> and run it, or{" "}
          <code>mystax queue add standard</code>
        </p>
      )}
      {state !== null && isWaiting && !state.is_worked && (
        <p class="notice">No process works on the queue. “Run on this computer” starts one; on a cluster its own workers take the jobs.</p>
      )}
      {rows.length > 0 && (
        <table aria-label="jobs">
          <thead>
            <tr>
              <th scope="col">recording</th>
              {columns.map((one) => (
                <th key={one} scope="col">
                  {one}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {rows.map((row) => (
              <tr key={row.recording}>
                <th scope="row">{row.recording}</th>
                {columns.map((column) => {
                  const cell = row.cells.get(column);
                  return (
                    <td key={column}>
                      {cell !== undefined && (
                        <button type="button" class={`plain ${CLASSES[cell.state] ?? ""}`} aria-pressed={cell.id === chosen} onClick={() => setChosen(cell.id)}>
                          {cellText(cell)}
                        </button>
                      )}
                    </td>
                  );
                })}
              </tr>
            ))}
          </tbody>
        </table>
      )}
      {job !== undefined && <Detail job={job} set={setState} />}
    </section>
  );
}
