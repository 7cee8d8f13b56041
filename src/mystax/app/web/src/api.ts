/** The only module that speaks to the server: the session, objects, pictures and arrays. */

import type {
  Agreement,
  AnalysisForm,
  Bout,
  ComparisonWanted,
  EditsDone,
  EditsWanted,
  EpipolarCurve,
  JobCurve,
  JobLog,
  JobsAdded,
  JobWanted,
  LabelFrame,
  LabelLine,
  LabelSet,
  LabelSetWanted,
  Levels,
  Listing,
  Mark,
  ModelInfo,
  PointsWanted,
  Preparing,
  PreviewWanted,
  QueueState,
  RecordingInfo,
  RecordingRow,
  RoiCopy,
  RoisApplied,
  RoiSet,
  RoiTargets,
  Root,
  StateEditSet,
  Suggestion,
  TrainingWanted,
  UndoStep,
  VideosFound,
  VideosWanted,
} from "./api.gen";
import { messages } from "./jobs";
import { unpack, type Envelope } from "./envelope";
import { detailOf, type Refusal } from "./refusal";

export class ApiError extends Error {
  constructor(
    readonly status: number,
    readonly refusal: Refusal,
    readonly details: unknown = null,
  ) {
    super(`${refusal.code} ${refusal.where}: ${detailOf(refusal)}`);
  }
}

/** The server is not there: restarted, stopped, or the tunnel is closed. */
export class Offline extends Error {}

export interface Picture {
  readonly frame: number;
  readonly seq: number;
  readonly isExact: boolean;
  readonly isValid: boolean;
  readonly reason: string;
  readonly blob: Blob | null;
}

export interface FrameWish {
  readonly frame: number;
  readonly mode: "exact" | "near";
  readonly panel: string;
  readonly seq: number;
  readonly width?: number;
  readonly isLossless?: boolean;
  readonly low?: number;
  readonly high?: number;
}

/** A token that lives in memory only: a notebook's frame gets no cookie. */
let bearer = "";

function query(values: Readonly<Record<string, string | number | undefined>>): string {
  const parts = new URLSearchParams();
  for (const [name, value] of Object.entries(values)) {
    if (value !== undefined) parts.set(name, String(value));
  }
  const text = parts.toString();
  return text === "" ? "" : `?${text}`;
}

async function ask(path: string, init: RequestInit = {}): Promise<Response> {
  const headers = new Headers(init.headers);
  if (bearer !== "") headers.set("Authorization", `Bearer ${bearer}`);
  if (init.body !== undefined) headers.set("Content-Type", "application/json");
  let response: Response;
  try {
    response = await fetch(`api/${path}`, { ...init, headers });
  } catch (error) {
    if (error instanceof DOMException && error.name === "AbortError") throw error;
    throw new Offline("the server does not answer");
  }
  if (response.ok) return response;
  const body = (await response.json().catch(() => null)) as Refusal | null;
  const unknown = { code: String(response.status), where: path, what: response.statusText, expected: "", got: "", hint: "" };
  throw new ApiError(response.status, body ?? unknown, body);
}

/** Whether the token lives in memory only: a plain link could not carry it. */
export const isFramed = (): boolean => bearer !== "";

/** Keep an answer as a file of the reader's. */
export async function download(path: string, name: string): Promise<void> {
  const url = URL.createObjectURL(await (await ask(path)).blob());
  const link = document.createElement("a");
  link.href = url;
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}

async function read<T>(path: string, signal?: AbortSignal): Promise<T> {
  return (await (await ask(path, signal === undefined ? {} : { signal })).json()) as T;
}

async function send<T>(method: string, path: string, body: unknown, headers: Record<string, string> = {}): Promise<T> {
  return (await (await ask(path, { method, body: JSON.stringify(body), headers })).json()) as T;
}

async function arrays(path: string, init: RequestInit = {}): Promise<Envelope> {
  return unpack(await (await ask(path, init)).arrayBuffer());
}

/** Exchange what the link carries for a session; the fragment is dropped from the address. */
export async function openSession(): Promise<void> {
  const given = new URLSearchParams(window.location.hash.slice(1));
  const token = given.get("k");
  const code = given.get("c");
  if (token === null && code === null) return;
  const opened = await send<{ token: string | null }>("POST", "session", code === null ? { token } : { code });
  bearer = opened.token ?? "";
  given.delete("k");
  given.delete("c");
  const rest = given.toString();
  window.history.replaceState(null, "", rest === "" ? window.location.pathname : `#${rest}`);
}

export interface About {
  readonly version: string;
  readonly read_only: boolean;
  readonly roots: readonly string[];
  readonly catalogue: boolean;
  readonly extras: Readonly<Record<string, boolean>>;
}

export const about = (): Promise<About> => read("about");
export const recordings = (text = ""): Promise<readonly RecordingRow[]> => read(`recordings${query({ q: text })}`);
export const roots = (): Promise<readonly Root[]> => read("roots");
/** What lies in a folder below a registered one. */
export const listing = (root: string, path: string, cursor: number): Promise<Listing> => read(`roots/${root}/list${query({ path, cursor })}`);
/** Look at the videos below a folder, or add them. */
export const videos = (wanted: VideosWanted): Promise<VideosFound> => send("POST", "recordings", wanted);
export const recording = (id: string): Promise<RecordingInfo> => read(`recordings/${id}`);
export const rois = (id: string): Promise<RoiSet> => read(`recordings/${id}/rois`);
export const analyses = (): Promise<readonly AnalysisForm[]> => read("analyses");
export const models = (): Promise<readonly ModelInfo[]> => read("models");
/** The figures of a training on its held-out frames. */
export const evaluation = (model: string): Promise<Readonly<Record<string, unknown>>> => read(`models/${model}/evaluation`);
export const makeDefault = (model: string): Promise<readonly ModelInfo[]> => send("POST", `models/${model}/default`, {});
export const train = (set: string, recording: string, wanted: TrainingWanted): Promise<JobsAdded> =>
  send("POST", `labels/${set}/train${query({ recording })}`, wanted);
export const queue = (): Promise<QueueState> => read("queue");
export const labels = (id: string): Promise<LabelSet> => read(`labels/${id}`);
export const makeLabels = (recording: string, wanted: LabelSetWanted): Promise<LabelSet> =>
  send("POST", `recordings/${recording}/labels`, wanted);
/** One frame with what a model says of it. */
export const labelFrame = (id: string, camera: string, frame: number): Promise<LabelFrame> =>
  read(`labels/${id}/frame${query({ camera, i: frame })}`);
/** Gestures of this user that stand, the oldest first. */
export const undoable = (id: string): Promise<readonly UndoStep[]> => read(`labels/${id}/undo`);
export const history = (id: string, camera: string, frame: number): Promise<readonly LabelLine[]> =>
  read(`labels/${id}/history${query({ camera, i: frame })}`);
/** Where a point of the camera `seen` can lie in the picture of `other`. */
export const epipolar = (recording: string, wish: { seen: string; other: string; x: number; y: number }): Promise<EpipolarCurve> =>
  read(`recordings/${recording}/epipolar${query({ ...wish })}`);
/** Frames worth labelling in the videos of one recording: a set may lie beside several. */
export const suggestions = (id: string, recording: string, n: number): Promise<readonly Suggestion[]> =>
  read(`labels/${id}/suggestions${query({ recording, n })}`);

export const putRois = (id: string, set: RoiSet): Promise<RoiSet> =>
  send("PUT", `recordings/${id}/rois`, set, { "If-Match": set.rev });
/** Recordings that the saved regions of one can be copied to. */
export const roiTargets = (id: string, text: string, cursor: number): Promise<RoiTargets> =>
  read(`recordings/${id}/rois/targets${query({ q: text, cursor })}`);
export const applyRois = (id: string, targets: readonly RoiCopy[]): Promise<readonly RoisApplied[]> =>
  send("POST", `recordings/${id}/rois/apply`, { targets });
/** Change the points of a label set. */
export const putPoints = (id: string, wanted: PointsWanted): Promise<LabelSet> => send("PUT", `labels/${id}/points`, wanted);
export const stateEdits = (outcome: string): Promise<StateEditSet> => read(`outcomes/${outcome}/edits`);
export const putStateEdits = (outcome: string, set: StateEditSet): Promise<StateEditSet> =>
  send("PUT", `outcomes/${outcome}/edits`, set, { "If-Match": set.rev });
/** Example bouts of a state. */
export const bouts = (outcome: string, state: number, n: number): Promise<readonly Bout[]> => read(`outcomes/${outcome}/bouts${query({ state, n })}`);
/** Mean faces of the states, and that of all frames. */
export const faces = (outcome: string): Promise<Envelope> => arrays(`outcomes/${outcome}/faces`);
export const sendEdits = (id: string, edits: EditsWanted): Promise<EditsDone> => send("POST", `labels/${id}/ops`, edits);
export const addJobs = (wanted: JobWanted): Promise<JobsAdded> => send("POST", "jobs", wanted);
export const jobAction = (id: string, action: "cancel" | "retry"): Promise<QueueState> => send("POST", `jobs/${id}/${action}`, {});
export const jobLog = (id: string, after: number): Promise<JobLog> => read(`jobs/${id}/log${query({ after })}`);
/** How a training goes. */
export const jobCurve = (id: string): Promise<JobCurve> => read(`jobs/${id}/curve`);
/** Measure two on the labelled frames of a set: a job. */
export const compare = (set: string, wanted: ComparisonWanted): Promise<JobsAdded> => send("POST", `labels/${set}/compare`, wanted);
/** What a comparison that is done has found. */
export const comparison = (job: string): Promise<Readonly<Record<string, unknown>>> => read(`comparisons/${job}`);
/** Let this computer work on what is queued. */
export const work = (): Promise<QueueState> => send("POST", "queue/work", {});

/** Follow the queue until the signal: each change is told as it comes. */
export async function followQueue(tell: (state: QueueState) => void, signal: AbortSignal): Promise<void> {
  const response = await ask("events", { signal });
  const reader = response.body?.getReader();
  const decoder = new TextDecoder();
  let rest = "";
  while (reader !== undefined) {
    const { done, value } = await reader.read();
    if (done) return;
    const found = messages(rest + decoder.decode(value, { stream: true }));
    rest = found.rest;
    for (const { event, data } of found.messages) if (event === "queue") tell(JSON.parse(data) as QueueState);
  }
}

/** How often each grey level is in a picture, as recorded. */
export const levels = (camera: string, frame: number, signal?: AbortSignal): Promise<Levels> => read(`cameras/${camera}/levels${query({ i: frame })}`, signal);

/** The times of all frames of a camera. */
export const clock = (camera: string): Promise<Envelope> => arrays(`cameras/${camera}/clock`);

/** The keypoints of a block of frames. */
export const points = (outcome: string, first: number, stop: number): Promise<Envelope> =>
  arrays(`outcomes/${outcome}/points${query({ i0: first, i1: stop })}`);

/** Masks of components: signed, with the scale of each. */
export const masks = (outcome: string, roi: string, first: number, count: number): Promise<Envelope> =>
  arrays(`outcomes/${outcome}/masks${query({ roi, from: first, n: count })}`);

/** States as runs: first and last sample, state, first and last time. */
export const stateRuns = (outcome: string, variable: string): Promise<Envelope> =>
  arrays(`outcomes/${outcome}/states${query({ var: variable })}`);

/** The times of all samples of an outcome. */
export const times = (outcome: string): Promise<Envelope> => arrays(`outcomes/${outcome}/clock`);
/** How well the cameras agree on points in space. */
export const agreement = (outcome: string): Promise<Agreement> => read(`outcomes/${outcome}/agreement`);

/** A small variable as it is. */
export const values = (outcome: string, variable: string): Promise<Envelope> =>
  arrays(`outcomes/${outcome}/values${query({ var: variable })}`);

export interface RasterWish {
  readonly var: string;
  readonly row: string;
  readonly sel: string;
  readonly order: string;
  readonly scale: "row" | "none";
  readonly level: number;
  readonly tx: number;
  readonly ty: number;
}

/** A tile of activity: rows over time. */
export const raster = (outcome: string, wish: RasterWish): Promise<Envelope> =>
  arrays(`outcomes/${outcome}/raster${query({ ...wish })}`);

export const marks = (recording: string, width: number): Promise<readonly Mark[]> =>
  read(`recordings/${recording}/marks${query({ px: width })}`);

/** What came of asking for a preview; it is superseded where the panel has asked for something newer meanwhile. */
export type Previewed =
  | { readonly kind: "found"; readonly body: Envelope }
  | { readonly kind: "superseded" }
  | { readonly kind: "preparing"; readonly seconds: number };

/** One frame measured as in a run. */
export async function preview(wanted: PreviewWanted, signal?: AbortSignal): Promise<Previewed> {
  const init = { method: "POST", body: JSON.stringify(wanted), ...(signal === undefined ? {} : { signal }) };
  const response = await ask("preview", init);
  if (response.status === 204) return { kind: "superseded" };
  if (response.status === 202) return { kind: "preparing", seconds: ((await response.json()) as Preparing).seconds };
  return { kind: "found", body: unpack(await response.arrayBuffer()) };
}

export function trace(
  outcome: string,
  wanted: { variable: string; select: Readonly<Record<string, string>>; start: number; stop: number; width: number },
  signal?: AbortSignal,
): Promise<Envelope> {
  const { variable, select, start, stop, width } = wanted;
  const text = query({ var: variable, sel: JSON.stringify(select), t0: start, t1: stop, px: width });
  return arrays(`outcomes/${outcome}/trace${text}`, signal === undefined ? {} : { signal });
}

/** One picture; null where the panel has asked for something newer meanwhile. */
export async function frame(camera: string, wish: FrameWish, signal?: AbortSignal): Promise<Picture | null> {
  const text = query({
    i: wish.frame,
    mode: wish.mode,
    panel: wish.panel,
    seq: wish.seq,
    w: wish.width,
    fmt: wish.isLossless === true ? "png" : undefined,
    lo: wish.low,
    hi: wish.high,
  });
  const response = await ask(`cameras/${camera}/frame${text}`, signal === undefined ? {} : { signal });
  if (response.status === 204 && response.headers.get("X-Mystax-Valid") === null) return null;
  const isValid = response.headers.get("X-Mystax-Valid") === "1";
  return {
    frame: Number(response.headers.get("X-Mystax-Frame")),
    seq: Number(response.headers.get("X-Mystax-Seq")),
    isExact: response.headers.get("X-Mystax-Kind") === "exact",
    isValid,
    reason: response.headers.get("X-Mystax-Reason") ?? "",
    blob: isValid ? await response.blob() : null,
  };
}
