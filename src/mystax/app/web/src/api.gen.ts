// Made by tools/web_types.py; do not edit.

/** How well cameras agree; `ray_angle` is the median of the largest angle of rays [degrees]. `weak` is the share of the points whose rays are so nearly parallel that their depth is unsure. */
export interface Agreement {
  readonly cameras: ReadonlyArray<CameraError>;
  readonly ray_angle: number | null;
  readonly weak: number | null;
}

/** An analysis and the JSON schema of its parameters: the only source of forms. */
export interface AnalysisForm {
  readonly name: string;
  readonly help: string;
  readonly roi_kind: string | null;
  readonly parameters: Readonly<Record<string, unknown>>;
}

/** An example bout of a state: first and last time [s], and whether its ends are those of the state. */
export interface Bout {
  readonly start: number;
  readonly stop: number;
  readonly is_whole: boolean;
}

/** How far a camera's points are from those in space, median [px]; `left_out`: without its own vote. */
export interface CameraError {
  readonly camera: string;
  readonly residual: number | null;
  readonly left_out: number | null;
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

/** Two that are measured on the same labelled frames of a set. */
export interface ComparisonWanted {
  readonly first: Judged;
  readonly second: Judged;
}

/** What a refusal W904 (409) has besides its words: the frames as they are now. */
export interface Conflict {
  readonly frames: ReadonlyArray<LabelFrame>;
}

/** One operation of a gesture on a frame of a camera (its id). `id` has 32 hexadecimal digits, is made by the page and never done twice. A segment (`mark_add`, `mark_edit`, `mark_drop`) is named by `mark` and goes from `frame` to `stop`. The note ``skip`` says that a frame is not worth labelling; an empty one takes that back. */
export interface Edit {
  readonly id: string;
  readonly op: "set" | "frame_add" | "frame_drop" | "mark_add" | "mark_edit" | "mark_drop" | "note";
  readonly camera: string;
  readonly frame: number;
  readonly keypoint: string;
  readonly individual: string;
  readonly after: LabelPoint | null;
  readonly text: string;
  readonly mark: string;
  readonly stop: number | null;
}

/** What was written: the revision of the set, and the frames as they are now. */
export interface EditsDone {
  readonly rev: number;
  readonly frames: ReadonlyArray<LabelFrame>;
}

/** A gesture; `base` maps "camera/frame" to the revision that the page has seen (0: never labelled). With `undoes` there are no operations: the batch of that name is taken back (and an undo is a batch, so taking it back is a redo). */
export interface EditsWanted {
  readonly client: string;
  readonly batch: string;
  readonly base: Readonly<Record<string, number>>;
  readonly ops: ReadonlyArray<Edit>;
  readonly undoes: string | null;
}

/** What lies in a folder. */
export interface Entry {
  readonly name: string;
  readonly kind: "folder" | "outcomes" | "labels" | "video" | "file";
  readonly size: number | null;
}

/** Where in a camera's picture a point of another camera can lie: pixels x, y, from near to far. */
export interface EpipolarCurve {
  readonly places: ReadonlyArray<readonly [number, number]>;
}

/** A camera of a recording that can be added: its files in order, and where its times come from. */
export interface FoundCamera {
  readonly name: string;
  readonly files: ReadonlyArray<string>;
  readonly clock: string;
}

/** A recording that can be added: ``new``, ``changed`` or ``unchanged``, and what is odd about it. */
export interface FoundVideos {
  readonly name: string;
  readonly state: string;
  readonly cameras: ReadonlyArray<FoundCamera>;
  readonly codes: ReadonlyArray<string>;
}

/** A measurement during a training: the mean error on frames that a fit has not seen [px@256]. */
export interface HeldOut {
  readonly step: number;
  readonly error: number;
}

/** How a training goes: the loss over its steps, where each of its fits begins, and what was measured. Each loss is the mean of the steps since the one before; there are never more than some hundreds. */
export interface JobCurve {
  readonly steps: ReadonlyArray<number>;
  readonly losses: ReadonlyArray<number>;
  readonly starts: ReadonlyArray<number>;
  readonly held_out: ReadonlyArray<HeldOut>;
  readonly total: number;
}

/** Lines of a log; `next` is what to ask for after them. */
export interface JobLog {
  readonly lines: ReadonlyArray<string>;
  readonly next: number;
  readonly state: string;
}

/** A job of the queue, in the words of `mystax queue list --json`; `share` of 1, `rate` in frames/s. A training (`kind` is ``train``, `recipe` the name of the weights) has a `result`: its report. */
export interface JobRow {
  readonly id: string;
  readonly recording: string;
  readonly kind: string;
  readonly recipe: string;
  readonly analyses: ReadonlyArray<string>;
  readonly state: string;
  readonly reason: string;
  readonly share: number | null;
  readonly rate: number | null;
  readonly seconds: number | null;
  readonly error: Readonly<Record<string, string>> | null;
  readonly result: Readonly<Record<string, unknown>> | null;
}

/** Work on a recording: a recipe, or some analyses; with the regions that are saved for it. */
export interface JobWanted {
  readonly recording: string;
  readonly recipe: string;
  readonly analyses: ReadonlyArray<string>;
  readonly parameters: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  readonly force: boolean;
}

/** Ids of new jobs. */
export interface JobsAdded {
  readonly ids: ReadonlyArray<string>;
}

/** Who is judged on labelled frames: installed weights, or an outcome of the tracker. */
export interface Judged {
  readonly kind: "model" | "outcome";
  readonly id: string;
}

/** The labels of one frame, and what a model says of it. `camera` is the id of a camera, empty where its video is none of those shown; `name` is for people. `predicted` comes only where a single frame is asked for. */
export interface LabelFrame {
  readonly camera: string;
  readonly name: string;
  readonly video: string;
  readonly pts: number;
  readonly frame: number;
  readonly rev: number;
  readonly who: string;
  readonly is_listed: boolean;
  readonly is_skipped: boolean;
  readonly points: Readonly<Record<string, LabelPoint | null>>;
  readonly predicted: Readonly<Record<string, LabelPoint>>;
}

/** A line of the history of a frame. */
export interface LabelLine {
  readonly rev: number;
  readonly at: string;
  readonly who: string;
  readonly op: string;
  readonly keypoint: string;
  readonly before: LabelPoint | null;
  readonly after: LabelPoint | null;
  readonly text: string;
  readonly batch: string;
  readonly undoes: string | null;
}

/** A point of a frame: placed, invisible (a guess) or absent; null where it is not labelled. */
export interface LabelPoint {
  readonly state: "placed" | "invisible" | "absent";
  readonly x: number | null;
  readonly y: number | null;
  readonly confidence: number | null;
  readonly origin: string;
}

/** A label set: points, edges, and its frames in the order of camera and number. */
export interface LabelSet {
  readonly id: string;
  readonly name: string;
  readonly rev: number;
  readonly read_only: boolean;
  readonly holder: string;
  readonly keypoint_set: string;
  readonly version: number;
  readonly is_two_sided: boolean;
  readonly keypoints: ReadonlyArray<Readonly<Record<string, unknown>>>;
  readonly edges: ReadonlyArray<readonly [string, string]>;
  readonly pairs: ReadonlyArray<readonly [string, string]>;
  readonly flags: ReadonlyArray<Readonly<Record<string, unknown>>>;
  readonly segments: ReadonlyArray<Readonly<Record<string, unknown>>>;
  readonly frames: ReadonlyArray<LabelFrame>;
}

/** A label set of a recording; `id` asks for its frames. */
export interface LabelSetRow {
  readonly id: string;
  readonly name: string;
}

/** A new label set of a recording. */
export interface LabelSetWanted {
  readonly name: string;
  readonly keypoints: string;
}

/** How often each grey level is in one picture, as recorded: counts of even bins from `least` to `most`. `window` holds all but the darkest and brightest thousandth. No counts: the frame could not be read. */
export interface Levels {
  readonly counts: ReadonlyArray<number>;
  readonly least: number;
  readonly most: number;
  readonly window: readonly [number, number];
}

/** A page of a folder; `next` is the cursor of the next one. */
export interface Listing {
  readonly path: string;
  readonly entries: ReadonlyArray<Entry>;
  readonly next: number | null;
}

/** A mark of the seek bar, binned to pixels. */
export interface Mark {
  readonly kind: "labelled" | "suggested" | "low" | "gap" | "missing" | "mark";
  readonly start: number;
  readonly stop: number;
  readonly count: number;
  readonly text: string;
}

/** Weights: what they were trained on and how well they do. `has_report` says that a training has left a report and figures on held-out frames; weights that were not accepted (`is_rejected`) can be no default. */
export interface ModelInfo {
  readonly id: string;
  readonly name: string;
  readonly keypoint_set: string;
  readonly weights_hash: string;
  readonly licence: string;
  readonly is_default: boolean;
  readonly is_rejected: boolean;
  readonly has_report: boolean;
  readonly card: Readonly<Record<string, unknown>>;
}

/** An outcome; `id` asks for its traces, masks, points, states and report. `folder` is the name of the folder in which it lies, for people: a recording may have several. */
export interface OutcomeInfo {
  readonly id: string;
  readonly folder: string;
  readonly analysis: string;
  readonly camera: string;
  readonly version: number;
  readonly coverage: number;
  readonly quality: ReadonlyArray<Readonly<Record<string, unknown>>>;
  readonly state: string;
  readonly variables: ReadonlyArray<VariableInfo>;
}

/** A point as it shall be; `was` is its name until now, empty for a new one. */
export interface PointWanted {
  readonly id: string;
  readonly was: string;
  readonly definition: string;
  readonly retired: boolean;
}

/** The points of a set as they shall be, in order; `version` is that which the page has seen. */
export interface PointsWanted {
  readonly version: number;
  readonly points: ReadonlyArray<PointWanted>;
  readonly edges: ReadonlyArray<readonly [string, string]>;
  readonly pairs: ReadonlyArray<readonly [string, string]>;
}

/** The loops of an analysis are being compiled, once on each machine; since so many seconds. */
export interface Preparing {
  readonly analysis: string;
  readonly seconds: number;
}

/** Frames to be measured with the pipeline's own code, `n` from `frame` on; regions as in a `rois.toml`. More than one are for the strip around a frame: they come after all that is wanted at once. With `sight` comes what the measurement sees in the first one: picture, pixels that count, grey levels, threshold. */
export interface PreviewWanted {
  readonly camera: string;
  readonly frame: number;
  readonly n: number;
  readonly sight: boolean;
  readonly analysis: string;
  readonly rois: ReadonlyArray<Readonly<Record<string, unknown>>>;
  readonly parameters: Readonly<Record<string, unknown>>;
  readonly panel: string;
  readonly seq: number;
}

/** The queue; `eta` is the time left [s], `is_worked` whether any process works on it. */
export interface QueueState {
  readonly jobs: ReadonlyArray<JobRow>;
  readonly counts: Readonly<Record<string, number>>;
  readonly eta: number | null;
  readonly is_worked: boolean;
}

/** All about one recording; `refusals` says why cameras that are not listed cannot be opened. */
export interface RecordingInfo {
  readonly id: string;
  readonly name: string;
  readonly cameras: ReadonlyArray<CameraInfo>;
  readonly outcomes: ReadonlyArray<OutcomeInfo>;
  readonly labels: ReadonlyArray<LabelSetRow>;
  readonly report: boolean;
  readonly refusals: ReadonlyArray<string>;
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

/** A recording that gets the regions, and the revision of its own that the page has seen. */
export interface RoiCopy {
  readonly recording: string;
  readonly rev: string;
}

/** The regions of a recording, each as in a `rois.toml`; `rev` is what `If-Match` names. */
export interface RoiSet {
  readonly rev: string;
  readonly rois: ReadonlyArray<Readonly<Record<string, unknown>>>;
}

/** A recording that regions may be copied to; `refusal` says why they cannot, empty if they can. `n_rois` are there now; those of the same name are replaced. */
export interface RoiTarget {
  readonly id: string;
  readonly name: string;
  readonly rev: string;
  readonly n_rois: number;
  readonly cameras: ReadonlyArray<TargetCamera>;
  readonly refusal: string;
}

/** A page of recordings with cameras of the same names; `next` is the cursor of the next one. */
export interface RoiTargets {
  readonly targets: ReadonlyArray<RoiTarget>;
  readonly next: number | null;
}

/** What became of one copy: the new revision, or the refusal in the words of the terminal. */
export interface RoisApplied {
  readonly recording: string;
  readonly name: string;
  readonly rev: string;
  readonly error: Readonly<Record<string, string>> | null;
}

/** Recordings that get the saved regions of another one. */
export interface RoisWanted {
  readonly targets: ReadonlyArray<RoiCopy>;
}

/** A folder that the user named. */
export interface Root {
  readonly id: string;
  readonly name: string;
}

/** What a person says of a state: its name, the state that it is counted with, whether it is shown. */
export interface StateEdit {
  readonly state: number;
  readonly name: string;
  readonly merged_into: number | null;
  readonly hidden: boolean;
}

/** The states of an outcome that anything is said of; `rev` is what `If-Match` names. */
export interface StateEditSet {
  readonly rev: string;
  readonly states: ReadonlyArray<StateEdit>;
}

/** A frame worth labelling, and why. */
export interface Suggestion {
  readonly camera: string;
  readonly frame: number;
  readonly time: number | null;
  readonly score: number;
  readonly reason: string;
}

/** A camera of a recording that regions may be copied to; `id` asks for a picture of it. */
export interface TargetCamera {
  readonly id: string;
  readonly name: string;
  readonly width: number;
  readonly height: number;
  readonly n_frames: number;
}

/** A training on a label set: the options of `mystax train`. */
export interface TrainingWanted {
  readonly base: string;
  readonly name: string;
  readonly minutes: number;
  readonly members: number;
  readonly size: number;
  readonly replay: number;
  readonly hold_out: "recording" | "block";
  readonly seed: number;
  readonly force: boolean;
}

/** What a gesture did to a point of a frame. */
export interface UndoPoint {
  readonly camera: string;
  readonly frame: number;
  readonly keypoint: string;
  readonly before: LabelPoint | null;
  readonly after: LabelPoint | null;
}

/** A gesture that stands and can be taken back. */
export interface UndoStep {
  readonly batch: string;
  readonly points: ReadonlyArray<UndoPoint>;
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

/** What was found; of many recordings and files only the first ones are told by name. `job` is the addition in the queue, if it was asked for. */
export interface VideosFound {
  readonly job: string | null;
  readonly recordings: ReadonlyArray<FoundVideos>;
  readonly n_videos: number;
  readonly added: number;
  readonly changed: number;
  readonly unchanged: number;
  readonly left_out: ReadonlyArray<string>;
  readonly refused: ReadonlyArray<string>;
}

/** Videos below a registered folder; with `dry_run` it is only said what would be added. `pattern` and `clock` are for a catalogue: how names are read, and where times come from. */
export interface VideosWanted {
  readonly root: string;
  readonly path: string;
  readonly pattern: string;
  readonly clock: string;
  readonly dry_run: boolean;
}
