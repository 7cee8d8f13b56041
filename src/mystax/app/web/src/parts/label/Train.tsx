/** Training on the set that is open: its wishes, how far it is, and what came of it. */

import { useEffect, useState } from "preact/hooks";

import * as api from "../../api";
import type { JobRow, ModelInfo, TrainingWanted } from "../../api.gen";
import { canCancel, cellText, lasting } from "../../jobs";
import { resultOf } from "../../training";
import { isReadOnly, modelShown, open, said, tell } from "../../state";
import { labels, set } from "../labelDesk";
import { ReportLink } from "../ReportLink";
import { LossCurve } from "./LossCurve";
import { useQueue } from "../useQueue";

const LEAST = 10;
const START: TrainingWanted = {
  base: "mouse-face", name: "", minutes: 2, members: 1, size: 256, replay: 0.125, hold_out: "recording", seed: 0, force: false,
};

/** The weights of a training that is done. */
function useMade(job: JobRow | undefined): readonly [ModelInfo | null, (model: ModelInfo) => void] {
  const [made, setMade] = useState<ModelInfo | null>(null);
  const name = job?.state === "done" ? (resultOf(job)?.name ?? null) : null;
  useEffect(() => {
    setMade(null);
    if (name === null) return;
    api.models().then((all) => setMade(all.find((one) => one.name === name) ?? null)).catch(tell);
  }, [job?.id, name]);
  return [made, setMade];
}

function Outcome({ job }: { readonly job: JobRow }) {
  const [made, setMade] = useMade(job);
  const result = resultOf(job);
  if (result === null) return null;
  const choose = (): void => {
    if (made === null) return;
    api
      .makeDefault(made.id)
      .then((all) => {
        const now = all.find((one) => one.id === made.id);
        if (now !== undefined) setMade(now);
        said.value = `${made.name} is the default now: track again to use it`;
      })
      .catch(tell);
  };
  return (
    <>
      <p class={result.isAccepted ? "" : "warning"}>{result.text}</p>
      {made !== null && (
        <div class="buttons">
          <ReportLink path={`models/${made.id}/report`} name={made.name}>
            report
          </ReportLink>
          <a href="#s=models" onClick={() => void (modelShown.value = made.id)}>
            point by point
          </a>
          {!made.is_rejected && (
            <button type="button" disabled={made.is_default || isReadOnly.value} onClick={choose}>
              {made.is_default ? "is the default" : "make default"}
            </button>
          )}
        </div>
      )}
    </>
  );
}

function Running({ job }: { readonly job: JobRow }) {
  const act = (action: "cancel" | "retry") => () => void api.jobAction(job.id, action).catch(tell);
  return (
    <div aria-label="training" role="group">
      <div class="buttons">
        <span role="status">
          {job.recipe}: {cellText(job)}
        </span>
        <span class="muted number">{lasting(job.seconds)}</span>
        {canCancel(job.state) && (
          <button type="button" onClick={act("cancel")}>
            stop
          </button>
        )}
        {job.state === "cancelled" && (
          <button type="button" onClick={act("retry")}>
            go on
          </button>
        )}
      </div>
      {job.state === "running" && <progress aria-label="training" max={1} {...(job.share === null ? {} : { value: job.share })} />}
      <LossCurve key={job.id} job={job.id} isRunning={job.state === "running"} />
      {job.error !== null && (
        <p class="error">
          {job.error["code"]} {job.error["where"]}: {job.error["what"]} {job.error["hint"]}
        </p>
      )}
    </div>
  );
}

export function Train({ recording }: { readonly recording: string }) {
  const [wish, setWish] = useState(START);
  const [models, setModels] = useState<readonly ModelInfo[]>([]);
  const [queue] = useQueue();
  useEffect(() => void api.models().then(setModels).catch(tell), []);
  const id = set.value?.id;
  const n = labels.value === null ? 0 : [...labels.value.frames.values()].filter((one) => Object.values(one.points).some((point) => point !== null)).length;
  const jobs = queue?.jobs.filter((one) => one.kind === "train" && one.recording === recording) ?? [];
  const job = jobs[jobs.length - 1];
  const isBusy = job !== undefined && canCancel(job.state);
  const change = (more: Partial<TrainingWanted>): void => setWish({ ...wish, ...more });
  const start = (): void => {
    if (id !== undefined && open.value !== null) api.train(id, open.value.id, wish).catch(tell);
  };
  return (
    <details class="form">
      <summary>
        train on these labels <span class="muted">{n} labelled frames</span>
      </summary>
      <form
        class="train"
        onSubmit={(event) => {
          event.preventDefault();
          start();
        }}
      >
        <label>
          begin at
          <select value={wish.base} onChange={(event) => change({ base: event.currentTarget.value })}>
            {[...new Set([START.base, ...models.filter((one) => !one.is_rejected).map((one) => one.name), "none"])].map((one) => (
              <option key={one}>{one}</option>
            ))}
          </select>
        </label>
        <label>
          name
          <input value={wish.name} placeholder={set.value?.name ?? ""} onInput={(event) => change({ name: event.currentTarget.value })} />
        </label>
        <label>
          minutes
          <input type="number" min={0.2} max={600} step="any" value={wish.minutes} onInput={(event) => change({ minutes: event.currentTarget.valueAsNumber })} />
        </label>
        <label>
          networks
          <input type="number" min={1} max={5} value={wish.members} onInput={(event) => change({ members: event.currentTarget.valueAsNumber })} />
        </label>
        <label>
          held out
          <select value={wish.hold_out} onChange={(event) => change({ hold_out: event.currentTarget.value as TrainingWanted["hold_out"] })}>
            <option value="recording">recordings</option>
            <option value="block">blocks of frames</option>
          </select>
        </label>
        <button type="submit" disabled={isBusy || isReadOnly.value || n < LEAST}>
          train
        </button>
      </form>
      {n < LEAST && <p class="help">{LEAST} labelled frames are enough to begin with: {LEAST - n} to go.</p>}
      {job !== undefined && <Running job={job} />}
      {job?.state === "done" && <Outcome job={job} />}
    </details>
  );
}
