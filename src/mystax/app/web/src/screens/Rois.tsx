/** Regions of interest: drawn, moved, typed; each is measured live with the code of a run. */

import { signal } from "@preact/signals";
import { useEffect, useMemo, useRef, useState } from "preact/hooks";

import * as api from "../api";
import type { RecordingInfo } from "../api.gen";
import { distance, type Point } from "../geometry";
import { ApplyToRig } from "../parts/ApplyToRig";
import { Display } from "../parts/Display";
import { FramePanel, type At, type Tool } from "../parts/FramePanel";
import { Empty, NoRecording } from "../parts/Need";
import { foundOf, regionsOf } from "../parts/overlays";
import { ParameterForm, parametersOf, parametersOfAll } from "../parts/ParameterForm";
import { SightOf } from "../parts/SightOf";
import { TimeBar } from "../parts/TimeBar";
import { useKeys, type Actions } from "../parts/useKeys";
import { ValueStrip } from "../parts/ValueStrip";
import { usePreview } from "../parts/usePreview";
import {
  ANALYSIS,
  between,
  contains,
  copied,
  dragged,
  entriesOf,
  freeName,
  grown,
  handleAt,
  held,
  KINDS,
  moved,
  pupilFor,
  readRegion,
  retyped,
  spread,
  tidy,
  typed,
  whole,
  type Form,
  type Kind,
  type Region,
  type Shape,
} from "../roi";
import { runOpen } from "./Queue";
import { clocks, focus, focusFrame, focusName, isEmbedded, isReadOnly, open, said, tell } from "../state";

interface Desk {
  readonly recording: string;
  readonly rev: string;
  readonly regions: readonly Region[];
  /** Entries that the page cannot draw; they are kept as they are. */
  readonly others: ReadonlyArray<Readonly<Record<string, unknown>>>;
  readonly saved: string;
}

const REACH = 9;
const desk = signal<Desk | null>(null);
const chosen = signal<string | null>(null);
const conflict = signal(false);

const allOf = ({ regions, others }: Pick<Desk, "regions" | "others">) => [...entriesOf(regions), ...others];
const stampOf = (one: Pick<Desk, "regions" | "others">): string => JSON.stringify(allOf(one));

async function load(recording: string): Promise<void> {
  const found = await api.rois(recording);
  const read = found.rois.map((entry) => ({ entry, region: readRegion(entry) }));
  const regions = spread(read.flatMap(({ region }) => (region === null ? [] : [region])));
  const others = read.flatMap(({ entry, region }) => (region === null ? [entry] : []));
  desk.value = { recording, rev: found.rev, regions, others, saved: stampOf({ regions, others }) };
  if (!regions.some((one) => one.name === chosen.value)) chosen.value = null;
}

function put(regions: readonly Region[]): void {
  if (desk.value !== null && !isReadOnly.value) desk.value = { ...desk.value, regions };
}

function change(name: string, by: (region: Region) => Region): void {
  put((desk.value?.regions ?? []).map((one) => (one.name === name ? by(one) : one)));
}

async function save(rev?: string): Promise<void> {
  const now = desk.value;
  if (now === null) return;
  try {
    const found = await api.putRois(now.recording, { rev: rev ?? now.rev, rois: allOf(now) });
    desk.value = { ...now, rev: found.rev, saved: stampOf(now) };
    conflict.value = false;
    said.value = "ROIs saved";
  } catch (error) {
    if (error instanceof api.ApiError && error.status === 409) conflict.value = true;
    else tell(error);
  }
}

/** Write ours over what somebody else has saved meanwhile. */
async function keepMine(): Promise<void> {
  if (desk.value === null) return;
  try {
    await save((await api.rois(desk.value.recording)).rev);
  } catch (error) {
    tell(error);
  }
}

async function takeTheirs(recording: string): Promise<void> {
  conflict.value = false;
  await load(recording).catch(tell);
}

interface Drag {
  readonly handle: string | null;
  readonly from: Point;
  readonly shape: Shape;
}

function Regions({ recording }: { readonly recording: RecordingInfo }) {
  const camera = focus.value;
  const [form, setForm] = useState<Form | null>(null);
  const [kind, setKind] = useState<Kind>("pupil");
  const [corners, setCorners] = useState<readonly Point[]>([]);
  const drag = useRef<Drag | null>(null);
  const now = desk.value;
  const all = now?.regions ?? [];
  const here = all.filter((one) => camera !== null && (one.camera === "" || one.camera === camera.name));
  const placed = useMemo(() => all.map((one) => (one.camera === "" ? { ...one, camera: recording.cameras[0]?.name ?? "" } : one)), [all, recording]);
  const region = here.find((one) => one.name === chosen.value) ?? null;
  /** What is measured: of a reflection its pupil. */
  const measured = here.find((one) => one.name === region?.of) ?? region;
  const frame = focusFrame.value;
  const parameters = region === null ? {} : parametersOf(ANALYSIS[region.kind]);
  const wish = measured === null || camera === null || frame === null ? null : { camera: camera.id, frame, region: { ...whole(measured, here), camera: camera.name }, parameters };
  const preview = usePreview(wish);

  function add(shape: Shape): void {
    if (camera === null) return;
    const parent = kind === "reflection" ? pupilFor(shape, here, region?.of ?? chosen.value) : undefined;
    if (kind === "reflection" && parent === undefined) return tell("A reflection belongs to a pupil: draw the pupil first.");
    const name = freeName(all.map((one) => one.name), kind, parent?.name ?? (recording.cameras.length > 1 ? camera.name : ""));
    const rest = parent === undefined ? { source: "drawn", frame_size: [camera.width, camera.height] } : {};
    const made = { name, kind, camera: parent?.camera ?? camera.name, shape: tidy(held(shape, camera.width, camera.height)), rest };
    put([...all, parent === undefined ? made : { ...made, of: parent.name }]);
    chosen.value = name;
    setForm(null);
    setCorners([]);
  }

  function shapeIs(shape: Shape): void {
    if (region === null || camera === null) return;
    change(region.name, (one) => ({ ...one, shape: tidy(held(shape, camera.width, camera.height)) }));
  }

  const drawing: Tool = {
    cursor: "crosshair",
    down: ({ picture, scale }: At) => {
      if (form === "polygon") {
        const [first] = corners;
        if (first !== undefined && corners.length > 2 && distance(first, picture) * scale < REACH) add({ form, points: corners });
        else setCorners([...corners, picture]);
        return;
      }
      drag.current = { handle: null, from: picture, shape: between(form ?? "rectangle", picture, picture) };
    },
    move: ({ picture }: At) => {
      if (form === null || form === "polygon" || drag.current === null) return;
      drag.current = { ...drag.current, shape: between(form, drag.current.from, picture) };
      setCorners([drag.current.from, picture]);
    },
    up: () => {
      if (form === "polygon" || drag.current === null) return;
      const { shape } = drag.current;
      drag.current = null;
      add(shape);
    },
    double: () => {
      if (form === "polygon" && corners.length > 3) add({ form, points: corners.slice(0, -1) });
    },
  };

  const moving: Tool = {
    cursor: "default",
    down: ({ picture, scale }: At) => {
      const handle = region === null ? null : handleAt(region.shape, picture, REACH / scale);
      const target = handle !== null ? region : ([...here].reverse().find((one) => contains(one.shape, picture)) ?? null);
      chosen.value = target?.name ?? null;
      drag.current = target === null ? null : { handle, from: picture, shape: target.shape };
    },
    move: ({ picture }: At) => {
      const start = drag.current;
      if (start === null) return;
      const { handle, from, shape } = start;
      shapeIs(handle === null ? moved(shape, picture.x - from.x, picture.y - from.y) : dragged(shape, handle, picture));
    },
    up: () => {
      drag.current = null;
    },
  };

  const edit = (by: (shape: Shape) => Shape) => () => void (region !== null && shapeIs(by(region.shape)));
  const pick = (next: Form) => () => {
    setCorners([]);
    setForm(form === next ? null : next);
  };
  /** Without a pointer: a shape in the middle, to be moved by keys or numbers. */
  function putShape(): void {
    if (camera === null || form === null) return;
    const [w, h] = [camera.width, camera.height];
    add(between(form, { x: w / 3, y: h / 3 }, { x: (2 * w) / 3, y: (2 * h) / 3 }));
  }
  function remove(): void {
    if (region === null) return;
    put(all.filter((one) => one !== region && one.of !== region.name));
    chosen.value = region.of ?? null;
  }
  function copy(to: string): void {
    const other = recording.cameras.find((one) => one.name === to);
    if (region === null || other === undefined) return;
    const made = copied(region, other, all.map((one) => one.name));
    put([...all, made]);
    focusName.value = other.name;
    chosen.value = made.name;
    said.value = `${region.name} is copied to ${other.name} as ${made.name}`;
  }
  const actions: Actions = {
    rectangle: pick("rectangle"),
    ellipse: pick("ellipse"),
    polygon: pick("polygon"),
    save: () => void save(),
    leave: () => {
      setForm(null);
      setCorners([]);
      chosen.value = null;
    },
  };
  if (form !== null) actions.putShape = putShape;
  if (region !== null) {
    Object.assign(actions, {
      nudgeLeft: edit((one) => moved(one, -1, 0)),
      nudgeRight: edit((one) => moved(one, 1, 0)),
      nudgeUp: edit((one) => moved(one, 0, -1)),
      nudgeDown: edit((one) => moved(one, 0, 1)),
      narrower: edit((one) => grown(one, -1, 0)),
      wider: edit((one) => grown(one, 1, 0)),
      lower: edit((one) => grown(one, 0, -1)),
      higher: edit((one) => grown(one, 0, 1)),
      remove,
    } satisfies Actions);
  }
  useKeys(actions);

  if (camera === null || now === null) return null;
  const draft: Region[] = [];
  if (form === "polygon" && corners.length > 1) {
    draft.push({ name: "new", kind, camera: camera.name, shape: { form, points: corners }, rest: {} });
  } else if (form !== null && form !== "polygon" && drag.current !== null) {
    draft.push({ name: "new", kind, camera: camera.name, shape: drag.current.shape, rest: {} });
  }
  const overlays = [regionsOf([...here, ...draft], chosen.value), foundOf(preview.found)];
  const isSaved = now.saved === stampOf(now);
  const typedParameters = parametersOfAll(all.map((one) => ANALYSIS[one.kind]));
  const nTyped = Object.values(typedParameters).reduce((sum, found) => sum + Object.keys(found).length, 0);

  return (
    <section class="screen" aria-labelledby="rois">
      <header>
        <h2 id="rois">ROIs of {recording.name}</h2>
        {recording.cameras.length > 1 && (
          <span role="group" aria-label="camera" class="buttons">
            {recording.cameras.map((one) => (
              <button key={one.id} type="button" aria-pressed={one.id === camera.id} onClick={() => (focusName.value = one.name)}>
                {one.name}
              </button>
            ))}
          </span>
        )}
        <span role="status" class={isSaved ? "muted" : "warning"}>
          {isReadOnly.value ? "read only" : isSaved ? `saved${now.rev === "" ? "" : ` - rev ${now.rev.slice(0, 6)}`}` : "not saved"}
        </span>
        <button type="button" disabled={isSaved || isReadOnly.value} onClick={() => void save()}>
          Save <kbd>Ctrl S</kbd>
        </button>
        <button type="button" disabled={!isSaved || all.length === 0 || isReadOnly.value} onClick={() => void runOpen(typedParameters)}>
          {nTyped === 0 ? "Run" : `Run with ${nTyped} changed ${nTyped === 1 ? "parameter" : "parameters"}`}
        </button>
      </header>
      {conflict.value && (
        <div class="notice bad" role="alert">
          W904: somebody else has changed these ROIs since you opened them. Nothing is lost yet.{" "}
          <button type="button" onClick={() => void keepMine()}>
            keep mine
          </button>{" "}
          <button type="button" onClick={() => void takeTheirs(recording.id)}>
            take theirs
          </button>
        </div>
      )}
      <div class="split">
        <div>
          <div class="tools" role="toolbar" aria-label="draw">
            <select aria-label="kind of the new region" value={kind} onChange={(event) => setKind(event.currentTarget.value as Kind)}>
              {KINDS.map((one) => (
                <option key={one}>{one}</option>
              ))}
            </select>
            {(["rectangle", "ellipse", "polygon"] as const).map((one) => (
              <button key={one} type="button" aria-pressed={form === one} disabled={isReadOnly.value} onClick={pick(one)}>
                {one} <kbd>{one === "polygon" ? "O" : one === "ellipse" ? "E" : "R"}</kbd>
              </button>
            ))}
            <span class="muted">
              {form === null
                ? "drag to move, handles to resize; wheel zooms"
                : form === "polygon"
                  ? "click corners; the first one again closes"
                  : "drag over the picture, or Enter for the middle; Esc leaves"}
            </span>
          </div>
          <FramePanel key={camera.id} camera={camera} overlays={overlays} tool={form === null ? moving : drawing} />
          <TimeBar />
        </div>
        <aside aria-label="regions">
          {here.length === 0 && <p class="notice">No region on this camera yet. Choose a kind, press E, and drag over the picture.</p>}
          <ul class="list" aria-label="regions">
            {here.map((one) => (
              <li key={one.name} aria-current={one.name === chosen.value ? "true" : undefined}>
                <button type="button" class="plain" onClick={() => (chosen.value = one.name)}>
                  <i class={`swatch ${one.kind}`} aria-hidden="true" /> {one.name}
                </button>
                <span class="muted">
                  {one.of === undefined ? one.kind : `in ${one.of}`}, {one.shape.form}
                </span>
              </li>
            ))}
          </ul>
          {region !== null && (
            <>
              <fieldset class="numbers" disabled={isReadOnly.value}>
                <legend>{region.name}</legend>
                {region.of === undefined && <label>
                  name
                  <input
                    value={region.name}
                    onChange={(event) => {
                      const name = event.currentTarget.value.trim();
                      if (name === "" || all.some((one) => one !== region && one.name === name)) {
                        event.currentTarget.value = region.name;
                        return;
                      }
                      put(all.map((one) => (one === region ? { ...one, name } : one.of === region.name ? { ...one, of: name } : one)));
                      chosen.value = name;
                    }}
                  />
                </label>}
                {region.of === undefined && <label>
                  kind
                  <select value={region.kind} onChange={(event) => change(region.name, (one) => ({ ...one, kind: event.currentTarget.value as Kind }))}>
                    {KINDS.slice(0, -1).map((one) => (
                      <option key={one}>{one}</option>
                    ))}
                  </select>
                </label>}
                {typed(region.shape).map(({ label, value }, k) => (
                  <label key={label}>
                    {label}
                    <input
                      type="number"
                      step={region.shape.form === "rectangle" ? 1 : 0.5}
                      value={value}
                      onInput={(event) => {
                        const next = retyped(region.shape, k, event.currentTarget.valueAsNumber);
                        if (next !== null) shapeIs(next);
                      }}
                    />
                  </label>
                ))}
                <button type="button" onClick={remove}>
                  remove
                </button>
                {recording.cameras.length > 1 && region.of === undefined && (
                  <select class="full" aria-label={`copy ${region.name} to another camera`} value="" onChange={(event) => copy(event.currentTarget.value)}>
                    <option value="">copy to camera…</option>
                    {recording.cameras
                      .filter((one) => one.id !== camera.id)
                      .map((one) => (
                        <option key={one.id} value={one.name}>
                          {one.name}
                        </option>
                      ))}
                  </select>
                )}
              </fieldset>
              <fieldset class="live" aria-live="off">
                <legend>
                  live, frame {frame ?? "-"} <span class="muted">{preview.took > 0 && `${Math.round(preview.took)} ms`}</span>
                </legend>
                {preview.error !== null && <p class="error">{preview.error}</p>}
                {preview.preparing !== null && (
                  <p role="status">
                    Preparing the measurement, once on this computer: {Math.ceil(preview.preparing)} s so far. Drawing and saving work meanwhile.
                  </p>
                )}
                <dl>
                  {preview.lines.map(([name, value]) => (
                    <div key={name}>
                      <dt>{name}</dt>
                      <dd class="number">{value}</dd>
                    </div>
                  ))}
                </dl>
                {preview.sight !== null && <SightOf sight={preview.sight} analysis={ANALYSIS[region.kind]} />}
                <ValueStrip wish={wish} n_frames={camera.n_frames} />
                <p class="help">The same code, region and parameters as in a run; smoothed values need the whole recording and are not shown.</p>
              </fieldset>
              <ParameterForm key={region.kind} analysis={ANALYSIS[region.kind]} />
            </>
          )}
          {!isReadOnly.value && !isEmbedded.value && <ApplyToRig recording={recording.id} regions={placed} isSaved={isSaved} />}
          <Display />
        </aside>
      </div>
    </section>
  );
}

export function Rois() {
  const recording = open.value;
  useEffect(() => {
    if (recording !== null && desk.value?.recording !== recording.id) load(recording.id).catch(tell);
  }, [recording?.id]);
  if (recording === null) return <NoRecording title="ROIs" />;
  if (recording.cameras.length === 0) return <Empty title="ROIs">The videos of {recording.name} are not here: there is no picture to draw on.</Empty>;
  const isReady = recording.cameras.every((camera) => clocks.value.has(camera.id));
  return isReady ? <Regions recording={recording} /> : <section class="screen" aria-busy="true" />;
}
