/**
 * Which picture a panel asks for, and which it draws: a pure machine.
 *
 * Each request takes the next number; a picture is drawn only if its number is greater than that of the drawn
 * one.  So a late preview never covers the exact frame, in whatever order the answers come.
 */

export type Mode = "near" | "exact";
export type Phase = "idle" | "preview" | "waiting" | "exact";

export interface Request {
  readonly seq: number;
  readonly frame: number;
  readonly mode: Mode;
}

export interface Answer {
  readonly seq: number;
  /** The frame that came: for `near` it may be another than the one asked for. */
  readonly frame: number;
}

export interface Drawn {
  readonly seq: number;
  readonly frame: number;
  readonly isExact: boolean;
}

export interface Seek {
  readonly phase: Phase;
  readonly seq: number;
  readonly wanted: number | null;
  readonly flying: readonly Request[];
  readonly drawn: Drawn | null;
}

export interface Step {
  readonly state: Seek;
  /** What to send now. */
  readonly send?: Request;
  /** Numbers of requests that are of no more use: hang up. */
  readonly drop?: readonly number[];
  /** What to draw now. */
  readonly draw?: Drawn;
}

/** Most previews that are under way at once. */
export const MOST_FLYING = 4;
/** Most exact pictures that are under way while the clock runs. */
export const MOST_PLAYING = 3;
/** How many frames are fetched beyond the shown one, in the direction of travel. */
export const AHEAD = 8;
/** How long the slider rests before the exact frame is asked for [ms]. */
export const REST = 90;

export const start: Seek = { phase: "idle", seq: 0, wanted: null, flying: [], drawn: null };

function ask(state: Seek, frame: number, mode: Mode): Step {
  const request: Request = { seq: state.seq + 1, frame, mode };
  const old = mode === "exact" ? state.flying : [];
  const kept = mode === "exact" ? [] : state.flying;
  return {
    state: {
      ...state,
      seq: request.seq,
      wanted: frame,
      phase: mode === "exact" ? "waiting" : "preview",
      flying: [...kept, request],
    },
    send: request,
    ...(old.length === 0 ? {} : { drop: old.map((one) => one.seq) }),
  };
}

/** The slider moves: a near picture, unless enough of them are under way. */
export function moved(state: Seek, frame: number): Step {
  const previews = state.flying.filter((one) => one.mode === "near");
  if (previews.length >= MOST_FLYING) return { state: { ...state, wanted: frame, phase: "preview" } };
  return ask(state, frame, "near");
}

/** The slider rests, is let go, or a step was made: exactly this frame. */
export function rested(state: Seek, frame: number): Step {
  const { drawn } = state;
  if (drawn !== null && drawn.isExact && drawn.frame === frame && state.flying.length === 0) {
    return { state: { ...state, wanted: frame, phase: "exact" } };
  }
  const pending = state.flying.find((one) => one.mode === "exact" && one.frame === frame);
  const isNewest = pending !== undefined && pending.seq === state.seq;
  return isNewest ? { state: { ...state, wanted: frame, phase: "waiting" } } : ask(state, frame, "exact");
}

/** There is no frame at this time: what is under way is of no more use. */
export const left = (state: Seek): Step => ({
  state: { ...state, phase: "idle", wanted: null, flying: [] },
  drop: state.flying.map((one) => one.seq),
});

/** The frame is wanted in another form (range of grey levels, without loss): what is drawn is not that yet. */
export const reshaped = (state: Seek, frame: number): Step => ask(state, frame, "exact");

/** The clock runs: exact pictures, none of which is given up for the next one, so that some always arrive. */
export function played(state: Seek, frame: number): Step {
  if (state.wanted === frame && state.phase !== "preview") return { state };
  const isAsked = state.flying.some((one) => one.mode === "exact" && one.frame === frame);
  if (isAsked || state.flying.length >= MOST_PLAYING) return { state: { ...state, wanted: frame, phase: "waiting" } };
  const request: Request = { seq: state.seq + 1, frame, mode: "exact" };
  const flying = [...state.flying, request];
  return { state: { ...state, seq: request.seq, wanted: frame, phase: "waiting", flying }, send: request };
}

/** The frames to fetch beyond a frame; `travel` is -1, 0 or 1, and `has` tells which are here already. */
export function ahead(frame: number, travel: number, n: number, has: (frame: number) => boolean): readonly number[] {
  if (travel === 0) return [];
  const frames = Array.from({ length: AHEAD }, (_, k) => frame + travel * (k + 1));
  return frames.filter((one) => one >= 0 && one < n && !has(one));
}

/** How many frames were passed over between two drawn ones while the clock ran. */
export const skipped = (before: number | null, now: number): number =>
  before === null ? 0 : Math.max(0, Math.abs(now - before) - 1);

/** A picture has come. */
export function answered(state: Seek, answer: Answer): Step {
  const request = state.flying.find((one) => one.seq === answer.seq);
  if (request === undefined) return { state };
  const flying = state.flying.filter((one) => one.seq !== answer.seq);
  if (state.drawn !== null && answer.seq <= state.drawn.seq) return { state: { ...state, flying } };
  const drawn: Drawn = { seq: answer.seq, frame: answer.frame, isExact: request.mode === "exact" };
  const isDone = drawn.isExact && drawn.frame === state.wanted;
  return { state: { ...state, flying, drawn, phase: isDone ? "exact" : state.phase }, draw: drawn };
}

/** A request ended without a picture: superseded, or refused. */
export function failed(state: Seek, seq: number): Step {
  return { state: { ...state, flying: state.flying.filter((one) => one.seq !== seq) } };
}

/** What the panel's label says: the frame, marked where it is only near. */
export function label(state: Seek): string {
  if (state.drawn === null) return "";
  const text = state.drawn.frame.toLocaleString("en-US");
  return state.drawn.isExact ? text : `≈ ${text}`;
}
