// Made by tools/web_types.py; do not edit.

/** An analysis and the JSON schema of its parameters: the only source of forms. */
export interface AnalysisForm {
  readonly name: string;
  readonly help: string;
  readonly roi_kind: string | null;
  readonly parameters: Readonly<Record<string, unknown>>;
}

/** A camera of a recording; `id` asks for its frames and its clock. */
export interface CameraInfo {
  readonly id: string;
  readonly name: string;
  readonly files: ReadonlyArray<string>;
  readonly n_frames: number;
  readonly width: number;
  readonly height: number;
  readonly bits: number;
  readonly colour: boolean;
  readonly window: readonly [number, number];
  readonly flags: ReadonlyArray<Readonly<Record<string, unknown>>>;
}

/** One operation of a gesture; `id` is made by the page and never done twice. */
export interface Edit {
  readonly id: string;
  readonly op: "set" | "frame_add" | "frame_drop" | "mark_add" | "mark_edit" | "mark_drop" | "note";
  readonly camera: string;
  readonly frame: number;
  readonly keypoint: string;
  readonly individual: string;
  readonly after: LabelPoint | null;
  readonly text: string;
}

/** What was written. */
export interface EditsDone {
  readonly rev: number;
  readonly frames: ReadonlyArray<FrameRevision>;
}

/** A gesture; `base` maps "camera/frame" to the revision that the page has seen. */
export interface EditsWanted {
  readonly client: string;
  readonly batch: string;
  readonly base: Readonly<Record<string, number>>;
  readonly ops: ReadonlyArray<Edit>;
  readonly undoes: string | null;
}

/** The revision of a frame after an edit. */
export interface FrameRevision {
  readonly camera: string;
  readonly frame: number;
  readonly rev: number;
}

/** A job of the queue, in the words of `mystax queue status --json`. */
export interface JobRow {
  readonly id: string;
  readonly recording: string;
  readonly kind: string;
  readonly analyses: ReadonlyArray<string>;
  readonly state: string;
  readonly done: number;
  readonly total: number;
  readonly unit: string;
  readonly rate: number | null;
  readonly eta: number | null;
  readonly error: Readonly<Record<string, string>> | null;
}

/** The labels and the predictions of one frame. */
export interface LabelFrame {
  readonly camera: string;
  readonly video: string;
  readonly pts: number;
  readonly frame: number;
  readonly rev: number;
  readonly points: Readonly<Record<string, LabelPoint | null>>;
  readonly predicted: Readonly<Record<string, LabelPoint>>;
}

/** A point of a frame: placed, invisible (a guess) or absent; null where it is not labelled. */
export interface LabelPoint {
  readonly state: "placed" | "invisible" | "absent";
  readonly x: number | null;
  readonly y: number | null;
  readonly confidence: number | null;
  readonly origin: string;
}

/** A label set: points, edges, and where its frames are. */
export interface LabelSet {
  readonly id: string;
  readonly name: string;
  readonly rev: number;
  readonly read_only: boolean;
  readonly holder: string;
  readonly keypoints: ReadonlyArray<Readonly<Record<string, unknown>>>;
  readonly edges: ReadonlyArray<readonly [string, string]>;
  readonly frames: ReadonlyArray<LabelFrame>;
}

/** A mark of the seek bar, binned to pixels. */
export interface Mark {
  readonly kind: "labelled" | "suggested" | "low" | "gap" | "missing" | "mark";
  readonly start: number;
  readonly stop: number;
  readonly count: number;
  readonly text: string;
}

/** Weights: what they were trained on and how well they do. */
export interface ModelInfo {
  readonly id: string;
  readonly name: string;
  readonly keypoint_set: string;
  readonly weights_hash: string;
  readonly licence: string;
  readonly is_default: boolean;
  readonly card: Readonly<Record<string, unknown>>;
}

/** An outcome; `id` asks for its traces, masks, points, states and report. */
export interface OutcomeInfo {
  readonly id: string;
  readonly analysis: string;
  readonly camera: string;
  readonly version: number;
  readonly coverage: number;
  readonly quality: ReadonlyArray<Readonly<Record<string, unknown>>>;
  readonly state: string;
  readonly variables: ReadonlyArray<VariableInfo>;
}

/** One frame to be measured with the pipeline's own code; regions as in a `rois.toml`. */
export interface PreviewWanted {
  readonly camera: string;
  readonly frame: number;
  readonly analysis: string;
  readonly rois: ReadonlyArray<Readonly<Record<string, unknown>>>;
  readonly parameters: Readonly<Record<string, unknown>>;
  readonly panel: string;
  readonly seq: number;
}

/** The queue. */
export interface QueueState {
  readonly jobs: ReadonlyArray<JobRow>;
  readonly counts: Readonly<Record<string, number>>;
  readonly eta: number | null;
  readonly is_worked: boolean;
}

/** All about one recording. */
export interface RecordingInfo {
  readonly id: string;
  readonly name: string;
  readonly cameras: ReadonlyArray<CameraInfo>;
  readonly outcomes: ReadonlyArray<OutcomeInfo>;
  readonly labels: ReadonlyArray<string>;
  readonly report: boolean;
}

/** A line of the list of recordings. */
export interface RecordingRow {
  readonly id: string;
  readonly name: string;
  readonly project: string | null;
  readonly subject: string | null;
  readonly session: string | null;
  readonly cameras: ReadonlyArray<string>;
  readonly seconds: number | null;
  readonly quality: string;
  readonly codes: ReadonlyArray<string>;
  readonly analyses: ReadonlyArray<string>;
  readonly labels: ReadonlyArray<string>;
}

/** The regions of a recording, each as in a `rois.toml`; `rev` is what `If-Match` names. */
export interface RoiSet {
  readonly rev: string;
  readonly rois: ReadonlyArray<Readonly<Record<string, unknown>>>;
}

/** A frame worth labelling, and why. */
export interface Suggestion {
  readonly camera: string;
  readonly frame: number;
  readonly time: number | null;
  readonly score: number;
  readonly reason: string;
}

/** A variable of an outcome: what can be drawn of it. */
export interface VariableInfo {
  readonly name: string;
  readonly dims: ReadonlyArray<string>;
  readonly shape: ReadonlyArray<number>;
  readonly unit: string;
  readonly long_name: string;
  readonly is_trace: boolean;
  readonly labels: Readonly<Record<string, ReadonlyArray<string>>>;
}
