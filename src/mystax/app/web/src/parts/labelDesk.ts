/** The label set that is open: what is drawn, what waits for the server, and how it gets there. */

import { computed, signal } from "@preact/signals";

import * as api from "../api";
import type { Edit, EditsWanted, LabelFrame, LabelSet, Suggestion } from "../api.gen";
import {
  baseOf,
  changedBy,
  editsOf,
  frameOf,
  keyOf,
  labelsOf,
  pointOf,
  randomId,
  withFrames,
  type Change,
  type Labels,
} from "../labels";
import {
  acknowledged,
  conflict,
  framesOf,
  keepMine,
  nextToSend,
  placeOf,
  put,
  readOutbox,
  refused,
  saveText,
  takeTheirs,
  writeOutbox,
  type Waiting,
} from "../outbox";
import { open, said, tell, trouble } from "../state";
import { did, nothingDone, redo, undo, type Batch, type Reversal, type Undo } from "../undo";

const AGAIN = 2000;
/** Refusals that say nothing of the gesture: the session has ended, or too much was asked at once. */
const LATER = [401, 403, 421, 429];
const STRANGER = "W901: the server was started anew. Your edits are kept here; open the link that it has printed and they are sent.";
const KEPT = "Your edits are kept in this browser, and sent again until they are written.";
const CLIENT = "mystax.client";

export const set = signal<LabelSet | null>(null);
export const labels = signal<Labels | null>(null);
export const waiting = signal<readonly Waiting[]>([]);
export const suggestions = signal<readonly Suggestion[] | null>(null);
export const isOffline = signal(false);
const history = signal<Undo>(nothingDone);
/** What the gestures that wait have changed; one that came with a restart of the page is read from its operations. */
const local = new Map<string, readonly Change[]>();
/** All gestures of this page. */
const posted = new Set<string>();
let isSending = false;
/** What the server has said of its state, such as a full disk; taken back when it writes again. */
let complaint: string | null = null;

export const saved = computed(() => saveText(waiting.value, labels.value?.rev ?? 0, isOffline.value));
export const refusedEdits = computed<EditsWanted | null>(() => conflict(waiting.value));
export const isFixed = computed(() => set.value === null || set.value.read_only);
export const canUndo = computed(() => history.value.done.length > 0);
export const canRedo = computed(() => history.value.undone.length > 0);

/** Who we are: one name for a tab, also after a reload. */
function client(): string {
  const known = sessionStorage.getItem(CLIENT) ?? randomId();
  sessionStorage.setItem(CLIENT, known);
  return known;
}

/** The name under which this tab keeps what waits. */
const place = (id: string): string => `${id}.${client()}`;

function keep(next: readonly Waiting[]): void {
  waiting.value = next;
  const id = set.value?.id;
  if (id === undefined) return;
  try {
    writeOutbox(localStorage, place(id), next);
  } catch {
    trouble.value = "This browser keeps no more edits: its storage is full. Do not close the page before it says Saved.";
  }
}

/** Take over what other tabs of this browser have left: sending a gesture twice does no harm. */
function adopt(id: string): readonly Waiting[] {
  const mine = placeOf(place(id));
  const names = Object.keys(localStorage).filter((name) => name.startsWith(placeOf(`${id}.`)));
  let found: readonly Waiting[] = [];
  for (const name of names) {
    const kept = readOutbox(localStorage, name.slice(placeOf("").length));
    found = [...found, ...kept.filter((one) => !found.some((other) => other.edits.batch === one.edits.batch))];
    if (name !== mine) localStorage.removeItem(name);
  }
  return found.map((one) => ({ ...one, isRefused: false }));
}

function changesOf({ batch, ops }: EditsWanted): readonly Change[] {
  const sets = ops.filter((op) => op.op === "set");
  return local.get(batch) ?? sets.map(({ camera, frame, keypoint, after }) => ({ camera, frame, keypoint, before: null, after }));
}

/** Frames as the server has them, with what waits drawn on top. */
function settle(found: readonly LabelFrame[], rev?: number): void {
  if (labels.value === null) return;
  let next = withFrames(labels.value, found, rev);
  const keys = new Set(found.map((one) => keyOf(one.camera, one.frame)));
  for (const { edits } of waiting.value) {
    next = changedBy(next, changesOf(edits).filter((one) => keys.has(keyOf(one.camera, one.frame))));
  }
  labels.value = next;
}

export async function openSet(id: string): Promise<void> {
  const found = await api.labels(id);
  if (set.value?.id === found.id && (labels.value?.rev ?? 0) > found.rev) return; // asked before our last edit was written
  set.value = found;
  history.value = nothingDone;
  suggestions.value = null;
  labels.value = labelsOf(found);
  keep(adopt(id));
  settle(found.frames);
  void flush();
  const steps = await api.undoable(id);
  // What this page does meanwhile comes after, also where it is taken back by now.
  const before = steps.filter((one) => !posted.has(one.batch)).map(({ batch, points }): Batch => ({ id: batch, changes: points }));
  if (set.value?.id === id) history.value = { ...history.value, done: [...before, ...history.value.done] };
}

export function loadSuggestions(n: number): void {
  const id = set.value?.id;
  const recording = open.value?.id;
  if (id === undefined || recording === undefined) return;
  suggestions.value = null;
  api
    .suggestions(id, recording, n)
    .then((found) => {
      if (set.value?.id === id && open.value?.id === recording) suggestions.value = found;
    })
    .catch((error: unknown) => {
      suggestions.value = [];
      tell(error);
    });
}

/** Fetch what a model says of a frame, and its labels if nothing of ours waits for them. */
export async function lookAt(camera: string, frame: number): Promise<void> {
  const id = set.value?.id;
  if (id === undefined) return;
  settle([await api.labelFrame(id, camera, frame)]);
}

async function flush(): Promise<void> {
  if (isSending) return;
  isSending = true;
  try {
    for (let next = nextToSend(waiting.value); next !== null && set.value !== null; next = nextToSend(waiting.value)) {
      await sendOne(set.value.id, next);
    }
  } catch {
    isOffline.value = true;
    window.setTimeout(() => void flush(), AGAIN);
  } finally {
    isSending = false;
  }
}

/** Send one gesture; what the server refuses stays until the person has chosen. */
async function sendOne(id: string, edits: EditsWanted): Promise<void> {
  try {
    const done = await api.sendEdits(id, edits);
    isOffline.value = false;
    if (complaint !== null && trouble.value === complaint) trouble.value = null;
    complaint = null;
    keep(acknowledged(waiting.value, edits.batch, done));
    local.delete(edits.batch);
    settle(done.frames, done.rev);
    if (waiting.value.length === 0) said.value = saved.value;
  } catch (error) {
    if (!(error instanceof api.ApiError) || error.status >= 500 || LATER.includes(error.status)) {
      if (error instanceof api.ApiError && error.status === 401) trouble.value = STRANGER;
      if (error instanceof api.ApiError && error.status >= 500) {
        complaint = `${error.message}. ${KEPT}`;
        trouble.value = complaint;
      }
      throw error;
    }
    keep(refused(waiting.value, edits.batch));
    if (error.status !== 409) tell(error);
  }
}

function post(changes: readonly Change[], ops: readonly Edit[], undoes: string | null, batch: string): void {
  const now = labels.value;
  if (now === null || isFixed.value) return;
  const frames = [...changes, ...ops];
  local.set(batch, changes);
  posted.add(batch);
  keep(put(waiting.value, { client: client(), batch, base: baseOf(now, frames), ops: [...ops], undoes }));
  labels.value = changedBy(now, changes);
  void flush();
}

/** A gesture: drawn at once, kept, sent, and one step of undo. */
export function gesture(changes: readonly Change[]): void {
  if (changes.length === 0 || isFixed.value) return;
  const batch = randomId();
  history.value = did(history.value, { id: batch, changes });
  post(changes, editsOf(changes, randomId), null, batch);
}

/** An operation on a whole frame: add it, skip it, mark a stretch. */
export function frameEdit(op: Edit["op"], camera: string, frame: number, more: Partial<Edit> = {}): void {
  const edit: Edit = { id: randomId(), op, camera, frame, keypoint: "", individual: "face", after: null, text: "", mark: "", stop: null, ...more };
  post([], [edit], null, randomId());
}

function reverse(step: Reversal | null, batch: string): void {
  if (step === null) {
    trouble.value = "There is nothing to take back, or somebody else has changed that point since.";
    return;
  }
  history.value = step.state;
  post(step.changes, [], step.undoes, batch);
}

export function undoLast(): void {
  const batch = randomId();
  if (labels.value !== null) reverse(undo(history.value, labels.value, batch), batch);
}

export function redoLast(): void {
  const batch = randomId();
  if (labels.value !== null) reverse(redo(history.value, labels.value, batch), batch);
}

/** After a refusal: what is there now, of the frames of the refused gesture. */
async function present(edits: EditsWanted): Promise<readonly LabelFrame[]> {
  const id = set.value?.id;
  if (id === undefined) return [];
  return Promise.all(
    framesOf(edits).map((key) => {
      const cut = key.lastIndexOf("/");
      return api.labelFrame(id, key.slice(0, cut), Number(key.slice(cut + 1)));
    }),
  );
}

export async function chooseMine(): Promise<void> {
  const edits = refusedEdits.value;
  if (edits === null) return;
  const found = await present(edits);
  keep(keepMine(waiting.value, new Map(found.map((one) => [keyOf(one.camera, one.frame), one.rev]))));
  settle(found);
  await flush();
}

export async function chooseTheirs(): Promise<void> {
  const edits = refusedEdits.value;
  if (edits === null) return;
  const found = await present(edits);
  keep(takeTheirs(waiting.value, framesOf(edits)));
  settle(found);
  await flush();
}

/** A change of one point from what is there now. */
export function changeOf(camera: string, frame: number, keypoint: string, after: Change["after"]): Change[] {
  if (labels.value === null) return [];
  return [{ camera, frame, keypoint, before: pointOf(labels.value, camera, frame, keypoint), after }];
}

/** Draw a change that is not a gesture yet: nudges are joined. */
export function drawn(changes: readonly Change[]): void {
  if (labels.value !== null) labels.value = changedBy(labels.value, changes);
}

export function framePoints(camera: string, frame: number): LabelFrame | null {
  return labels.value === null ? null : frameOf(labels.value, camera, frame);
}
