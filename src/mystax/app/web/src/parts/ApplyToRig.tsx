/** The saved regions for other recordings of the rig: a picture of each is looked at first. */

import { useEffect, useRef, useState } from "preact/hooks";

import * as api from "../api";
import type { RoisApplied, RoiTarget, TargetCamera } from "../api.gen";
import { detailOf, type Refusal } from "../refusal";
import type { Region } from "../roi";
import { said, tell } from "../state";
import { regionsOf } from "./overlays";

const WIDE = 220;

interface ThumbProps {
  readonly target: string;
  readonly camera: TargetCamera;
  readonly regions: readonly Region[];
}

/** The middle frame of a camera, with the regions where they would be. */
function Thumb({ target, camera, regions }: ThumbProps) {
  const canvas = useRef<HTMLCanvasElement>(null);
  useEffect(() => {
    const stop = new AbortController();
    api
      .frame(camera.id, { frame: Math.floor(camera.n_frames / 2), mode: "near", panel: "", seq: 0, width: WIDE }, stop.signal)
      .then(async (found) => {
        const context = canvas.current?.getContext("2d");
        if (!context || found === null) return;
        const scale = WIDE / camera.width;
        [context.canvas.width, context.canvas.height] = [WIDE, Math.round(camera.height * scale)];
        if (found.blob !== null) {
          const bitmap = await createImageBitmap(found.blob);
          context.drawImage(bitmap, 0, 0, context.canvas.width, context.canvas.height);
          bitmap.close();
        }
        regionsOf(regions, null)({ context, view: { scale, left: 0, top: 0 }, frame: found.frame, hover: null });
        context.canvas.dataset["drawn"] = "true";
      })
      .catch(tell);
    return () => stop.abort();
  }, [camera.id, regions]);
  return <canvas ref={canvas} role="img" aria-label={`camera ${camera.name} of ${target} with the regions`} />;
}

interface RowProps {
  readonly target: RoiTarget;
  readonly regions: readonly Region[];
  readonly isChosen: boolean;
  readonly choose: () => void;
  readonly done: RoisApplied | undefined;
}

function Row({ target, regions, isChosen, choose, done }: RowProps) {
  const names = new Set(regions.map((one) => one.camera));
  const hasRefusal = target.refusal !== "";
  return (
    <li>
      <label class="check">
        <input type="checkbox" disabled={hasRefusal} checked={isChosen} onChange={choose} />
        {target.name}
      </label>{" "}
      <span class="muted">{target.n_rois === 0 ? "no region yet" : `${target.n_rois} there now`}</span>
      {hasRefusal && <p class="help error">{target.refusal}</p>}
      {done !== undefined &&
        (done.error === null ? <p class="help">applied</p> : <p class="help error">{`${done.error["code"] ?? ""} ${detailOf(done.error as unknown as Refusal)}`}</p>)}
      <div class="thumbs">
        {target.cameras
          .filter((camera) => names.has(camera.name))
          .map((camera) => (
            <Thumb key={camera.id} target={target.name} camera={camera} regions={regions.filter((one) => one.camera === camera.name)} />
          ))}
      </div>
    </li>
  );
}

function Targets({ recording, regions }: Omit<Asked, "isSaved">) {
  const [found, setFound] = useState<readonly RoiTarget[] | null>(null);
  const [next, setNext] = useState<number | null>(null);
  const [text, setText] = useState("");
  const [chosen, setChosen] = useState<ReadonlySet<string>>(new Set());
  const [done, setDone] = useState<readonly RoisApplied[]>([]);
  const more = (cursor: number, before: readonly RoiTarget[]): void => {
    api
      .roiTargets(recording, text, cursor)
      .then((page) => {
        setFound([...before, ...page.targets]);
        setNext(page.next);
      })
      .catch(tell);
  };
  useEffect(() => {
    const timer = window.setTimeout(() => more(0, []), 250);
    return () => window.clearTimeout(timer);
  }, [recording, text, regions]);
  const toggle = (id: string): void => {
    const left = new Set(chosen);
    if (!left.delete(id)) left.add(id);
    setChosen(left);
  };
  const goals = (found ?? []).filter((one) => chosen.has(one.id) && one.refusal === "");
  const apply = (): void => {
    api
      .applyRois(
        recording,
        goals.map(({ id, rev }) => ({ recording: id, rev })),
      )
      .then((all) => {
        setDone(all);
        setChosen(new Set());
        const written = all.filter((one) => one.error === null);
        setFound((old) => (old ?? []).map((one) => ({ ...one, rev: written.find((row) => row.recording === one.id)?.rev ?? one.rev })));
        said.value = `The regions are applied to ${written.length} of ${all.length} recordings`;
      })
      .catch(tell);
  };
  return (
    <>
      <input type="search" aria-label="search recordings of the rig" placeholder="name" value={text} onInput={(event) => setText(event.currentTarget.value)} />
      {found === null && <p class="muted" aria-busy="true">…</p>}
      {found !== null && found.length === 0 && <p class="notice">No other recording has a camera of the same name.</p>}
      <ul class="targets" aria-label="recordings of the rig">
        {found?.map((target) => (
          <Row
            key={target.id}
            target={target}
            regions={regions}
            isChosen={chosen.has(target.id)}
            choose={() => toggle(target.id)}
            done={done.find((one) => one.recording === target.id)}
          />
        ))}
      </ul>
      <div class="buttons">
        {next !== null && (
          <button type="button" onClick={() => more(next, found ?? [])}>
            show more
          </button>
        )}
        <button type="button" disabled={(found ?? []).every((one) => one.refusal !== "")} onClick={() => setChosen(new Set((found ?? []).filter((one) => one.refusal === "").map((one) => one.id)))}>
          choose all shown
        </button>
        <button type="button" disabled={goals.length === 0} onClick={apply}>
          apply to {goals.length} {goals.length === 1 ? "recording" : "recordings"}
        </button>
      </div>
    </>
  );
}

interface Asked {
  readonly recording: string;
  /** All saved regions, each with its camera. */
  readonly regions: readonly Region[];
  readonly isSaved: boolean;
}

export function ApplyToRig({ recording, regions, isSaved }: Asked) {
  const [isOpen, setOpen] = useState(false);
  return (
    <details class="form" onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>
        apply to rig <span class="muted">other recordings with these cameras</span>
      </summary>
      {isOpen && (
        <>
          <p class="help">All saved regions go to the recordings that you choose, where cameras have the same names and pictures the same size. Regions of the same name are replaced, others stay.</p>
          {isSaved && regions.length > 0 ? <Targets recording={recording} regions={regions} /> : <p class="notice">Draw regions and save them first.</p>}
        </>
      )}
    </details>
  );
}
