import { beforeEach, describe, expect, it } from "vitest";

import type { EditsDone, EditsWanted, LabelFrame, LabelPoint, LabelSet } from "../src/api.gen";
import {
  absent,
  acceptAll,
  baseOf,
  changedBy,
  copyPrevious,
  countsOf,
  editsOf,
  frameOf,
  invisible,
  isSame,
  keyOf,
  labelledFrames,
  labelsOf,
  nextPoint,
  nextSuggestion,
  placed,
  pointAt,
  pointOf,
  randomId,
  withFrames,
  type Change,
  type Labels,
} from "../src/labels";
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
  type Keep,
  type Waiting,
} from "../src/outbox";
import { did, nothingDone, redo, reversed, undo, type Undo } from "../src/undo";

const guess: LabelPoint = { state: "placed", x: 30, y: 40, confidence: 0.4, origin: "prediction:abc" };

function frame(number: number, points: Record<string, LabelPoint | null>, more: Partial<LabelFrame> = {}): LabelFrame {
  const { camera, frame: at, ...rest } = frameOf(empty, "c0", number);
  return { camera, frame: at, ...rest, points, ...more };
}

const set: LabelSet = {
  id: "l1",
  name: "mouse",
  rev: 5,
  read_only: false,
  holder: "",
  keypoint_set: "mouse-face-13",
  version: 1,
  is_two_sided: false,
  keypoints: [{ id: "eye" }, { name: "nose" }, { id: "old", retired: true }, { id: "mouth" }],
  edges: [["eye", "nose"]],
  pairs: [],
  flags: [],
  segments: [],
  frames: [],
};
const empty = labelsOf(set);

let labels: Labels;
beforeEach(() => {
  labels = withFrames(empty, [
    frame(10, { eye: placed(1, 2), nose: invisible(3, 4) }, { rev: 4, predicted: { mouth: guess, eye: guess } }),
    frame(20, { mouth: absent }, { rev: 5 }),
  ]);
});

const change = (number: number, keypoint: string, after: LabelPoint | null, before: LabelPoint | null = null): Change => ({
  camera: "c0",
  frame: number,
  keypoint,
  before,
  after,
});

describe("labels", () => {
  it("hold the points that are not retired", () => {
    expect(labels.points).toEqual(["eye", "nose", "mouth"]);
  });

  it("are changed by edits and by nothing else", () => {
    const after = changedBy(labels, [change(20, "eye", placed(7, 8.004))]);
    expect(pointOf(after, "c0", 20, "eye")).toEqual(placed(7, 8));
    expect(pointOf(labels, "c0", 20, "eye")).toBeNull();
    expect(pointOf(after, "c0", 10, "eye")).toEqual(placed(1, 2));
    expect(pointOf(changedBy(labels, [change(99, "eye", absent)]), "c0", 99, "eye")).toEqual(absent);
  });

  it("count the states of a frame", () => {
    expect(countsOf(labels, "c0", 10)).toEqual({ placed: 1, invisible: 1, absent: 0, left: 1 });
    expect(countsOf(labels, "c0", 77)).toEqual({ placed: 0, invisible: 0, absent: 0, left: 3 });
  });

  it("take predictions for points that have no label, and remember where they are from", () => {
    expect(acceptAll(labels, "c0", 10)).toEqual([change(10, "mouth", { ...guess, confidence: null })]);
    expect(acceptAll(labels, "c0", 20)).toEqual([]);
  });

  it("keep what is predicted when the server answers without it", () => {
    const after = withFrames(labels, [frame(10, { eye: absent }, { rev: 6 })], 9);
    expect(frameOf(after, "c0", 10)).toMatchObject({ rev: 6, points: { eye: absent } });
    expect(frameOf(after, "c0", 10).predicted["mouth"]).toEqual(guess);
    expect(after.rev).toBe(9);
  });

  it("take only what is predicted from an answer that is older than an edit", () => {
    const late = withFrames(labels, [frame(10, {}, { rev: 3, predicted: { nose: guess } }), frame(20, {}, { rev: 0 })]);
    expect(frameOf(late, "c0", 10)).toMatchObject({ rev: 4, points: { eye: placed(1, 2), nose: invisible(3, 4) }, predicted: { nose: guess } });
    expect(frameOf(late, "c0", 20)).toMatchObject({ rev: 5, points: { mouth: absent } });
    expect(late.rev).toBe(5);
  });

  it("are copied from the labelled frame before", () => {
    const copied = copyPrevious(labels, "c0", 20);
    expect(copied.map(({ keypoint }) => keypoint)).toEqual(["eye", "nose"]);
    expect(copyPrevious(labels, "c0", 10)).toEqual([]);
    expect(labelledFrames(labels, "c0")).toEqual([10, 20]);
    expect(labelledFrames(labels, "other")).toEqual([]);
  });

  it("choose the next point that is left", () => {
    expect(nextPoint(labels, "c0", 10, "eye")).toBe("mouth");
    expect(nextPoint(changedBy(labels, [change(10, "mouth", absent)]), "c0", 10, "mouth")).toBe("eye");
    expect(nextPoint(labels, "c0", 20, "eye")).toBe("nose");
  });

  it("find the point under the pointer, predicted or placed", () => {
    expect(pointAt(labels, "c0", 10, 2, 2, 3)).toBe("eye");
    expect(pointAt(labels, "c0", 10, 29, 41, 3)).toBe("mouth");
    expect(pointAt(labels, "c0", 10, 100, 100, 3)).toBeNull();
    expect(pointAt(labels, "c0", 20, 0, 0, 300)).toBeNull();
  });

  it("go through the suggestions in their order", () => {
    const list = [40, 7, 90].map((number) => ({ camera: "c0", frame: number, time: null, score: 1, reason: "" }));
    expect(nextSuggestion(list, { camera: "c0", frame: 7 }, 1)?.frame).toBe(90);
    expect(nextSuggestion(list, { camera: "c0", frame: 40 }, -1)?.frame).toBe(90);
    expect(nextSuggestion(list, { camera: "c0", frame: 1 }, 1)?.frame).toBe(40);
    expect(nextSuggestion([], { camera: "c0", frame: 1 }, 1)).toBeNull();
  });

  it("become operations with ids of 128 bits", () => {
    const ids = new Set(Array.from({ length: 200 }, () => randomId()));
    expect(ids.size).toBe(200);
    for (const id of ids) expect(id).toMatch(/^[0-9a-f]{32}$/);
    const [edit] = editsOf([change(20, "eye", absent)], () => "f".repeat(32));
    expect(edit).toMatchObject({ op: "set", camera: "c0", frame: 20, keypoint: "eye", after: absent });
    expect(baseOf(labels, [change(10, "eye", null), change(99, "eye", null)])).toEqual({ "c0/10": 4, "c0/99": 0 });
  });

  it("compare points by what they say", () => {
    expect(isSame(placed(1, 2), placed(1, 2))).toBe(true);
    expect(isSame(placed(1, 2), placed(1, 2, "import:x"))).toBe(false);
    expect(isSame(null, null)).toBe(true);
    expect(isSame(null, absent)).toBe(false);
    expect(invisible(null, null)).toMatchObject({ x: null, y: null });
  });
});

const id = (number: number): string => String(number).padStart(32, "0");

function edits(batch: number, number: number, rev: number): EditsWanted {
  const key = keyOf("c0", number);
  return { client: "me", batch: id(batch), base: { [key]: rev }, ops: editsOf([change(number, "eye", absent)], () => id(batch)), undoes: null };
}

const done = (number: number, rev: number): EditsDone => ({ rev, frames: [frame(number, {}, { rev })] });

class Memory implements Keep {
  readonly kept = new Map<string, string>();
  getItem(key: string): string | null {
    return this.kept.get(key) ?? null;
  }
  setItem(key: string, value: string): void {
    this.kept.set(key, value);
  }
  removeItem(key: string): void {
    this.kept.delete(key);
  }
}

describe("the outbox", () => {
  it("survives the page", () => {
    const keep = new Memory();
    const waiting = put(put([], edits(1, 10, 4)), edits(2, 20, 5));
    writeOutbox(keep, "l1", waiting);
    expect(readOutbox(keep, "l1")).toEqual(waiting);
    expect(readOutbox(keep, "l2")).toEqual([]);
    writeOutbox(keep, "l1", []);
    expect(keep.kept.size).toBe(0);
  });

  it.each(["{", "7", '[{"edits": 3}]', '[null]', '[{"edits": {"batch": "a", "ops": [], "base": null}}]'])(
    "takes %s for nothing",
    (text) => {
      const keep = new Memory();
      keep.setItem(placeOf("l1"), text);
      expect(readOutbox(keep, "l1")).toEqual([]);
    },
  );

  it("sends gestures on one frame one after another, each on the revision of the one before", () => {
    let waiting: readonly Waiting[] = put(put(put([], edits(1, 10, 4)), edits(2, 10, 4)), edits(3, 20, 5));
    expect(nextToSend(waiting)?.batch).toBe(id(1));
    waiting = acknowledged(waiting, id(1), done(10, 6));
    expect(waiting.map((one) => one.edits.base)).toEqual([{ "c0/10": 6 }, { "c0/20": 5 }]);
    expect(nextToSend(waiting)?.batch).toBe(id(2));
  });

  it("loses and doubles nothing when answers are lost at random and the page starts again", () => {
    let state = 11;
    const random = (): number => (state = (state * 48271) % 2147483647) / 2147483647;
    for (let round = 0; round < 60; round += 1) {
      const keep = new Memory();
      const written: string[] = [];
      const revisions = new Map<string, number>();
      let rev = 0;
      let made = 0;
      let waiting: readonly Waiting[] = [];
      const send = (): void => {
        const next = nextToSend(waiting);
        if (next === null || random() < 0.2) return;
        const key = framesOf(next)[0] ?? "";
        if (!written.includes(next.batch)) {
          expect(next.base[key]).toBe(revisions.get(key) ?? 0);
          revisions.set(key, (rev += 1));
          written.push(next.batch);
        }
        if (random() < 0.3) return;
        const number = Number(key.split("/")[1]);
        waiting = acknowledged(waiting, next.batch, done(number, revisions.get(key) ?? 0));
        writeOutbox(keep, "l1", waiting);
      };
      while (made < 30 || waiting.length > 0) {
        if (made < 30 && random() < 0.5) {
          const number = Math.floor(random() * 3);
          const pending = waiting.find((one) => framesOf(one.edits)[0] === `c0/${number}`);
          const base = pending?.edits.base[`c0/${number}`] ?? revisions.get(`c0/${number}`) ?? 0;
          waiting = put(waiting, edits((made += 1), number, base));
          writeOutbox(keep, "l1", waiting);
        }
        if (random() < 0.1) waiting = readOutbox(keep, "l1");
        send();
      }
      expect([...written].sort()).toEqual(Array.from({ length: 30 }, (_, k) => id(k + 1)));
    }
  });

  it("holds back what follows a refused gesture on its frame, and nothing else", () => {
    const waiting = refused(put(put(put([], edits(1, 10, 4)), edits(2, 10, 4)), edits(3, 20, 5)), id(1));
    expect(conflict(waiting)?.batch).toBe(id(1));
    expect(nextToSend(waiting)?.batch).toBe(id(3));
    expect(nextToSend(waiting.slice(0, 2))).toBeNull();
  });

  it("keeps mine on top of theirs", () => {
    const waiting = refused(put(put([], edits(1, 10, 4)), edits(3, 20, 5)), id(1));
    const mine = keepMine(waiting, new Map([["c0/10", 9]]));
    expect(mine.map((one) => [one.edits.base, one.isRefused])).toEqual([
      [{ "c0/10": 9 }, false],
      [{ "c0/20": 5 }, false],
    ]);
  });

  it("takes theirs and gives up mine on that frame only", () => {
    const waiting = refused(put(put(put([], edits(1, 10, 4)), edits(2, 10, 4)), edits(3, 20, 5)), id(1));
    expect(takeTheirs(waiting, ["c0/10"]).map((one) => one.edits.batch)).toEqual([id(3)]);
  });

  it("says what is saved", () => {
    const waiting = put([], edits(1, 10, 4));
    expect(saveText([], 812, false)).toBe("Saved - rev 812");
    expect(saveText(waiting, 812, false)).toBe("Saving…");
    expect(saveText(put(waiting, edits(2, 20, 1)), 812, true)).toBe("Offline: 2 edits kept here");
    expect(saveText(refused(waiting, id(1)), 812, false)).toBe("Conflict: 1 edit kept here");
  });
});

describe("undo", () => {
  it("of 500 random gestures gives back what was there, and redo what was made", () => {
    let state: Undo = nothingDone;
    let now = labels;
    let seed = 5;
    const random = (): number => (seed = (seed * 48271) % 2147483647) / 2147483647;
    for (let k = 0; k < 500; k += 1) {
      const keypoint = labels.points[Math.floor(random() * 3)] ?? "eye";
      const number = 10 * (1 + Math.floor(random() * 2));
      const after = random() < 0.3 ? absent : random() < 0.2 ? null : placed(random() * 99, random() * 99);
      const changes = [change(number, keypoint, after, pointOf(now, "c0", number, keypoint))];
      now = changedBy(now, changes);
      state = did(state, { id: id(k), changes });
    }
    const made = now;
    for (let k = 0; k < 500; k += 1) {
      const step = undo(state, now, id(1000 + k));
      if (step === null) throw new Error("nothing to undo");
      expect(step.undoes).toBe(id(499 - k));
      now = changedBy(now, step.changes);
      state = step.state;
    }
    for (const number of [10, 20]) for (const keypoint of labels.points) {
      expect(pointOf(now, "c0", number, keypoint)).toEqual(pointOf(labels, "c0", number, keypoint));
    }
    expect(undo(state, now, id(1))).toBeNull();
    for (let k = 0; k < 500; k += 1) {
      const step = redo(state, now, id(2000 + k));
      if (step === null) throw new Error("nothing to redo");
      now = changedBy(now, step.changes);
      state = step.state;
    }
    for (const number of [10, 20]) for (const keypoint of labels.points) {
      expect(pointOf(now, "c0", number, keypoint)).toEqual(pointOf(made, "c0", number, keypoint));
    }
  });

  it("is refused where somebody else has changed the point since", () => {
    const state = did(nothingDone, { id: id(1), changes: [change(10, "eye", absent, placed(1, 2))] });
    const theirs = changedBy(labels, [change(10, "eye", placed(50, 50))]);
    expect(undo(state, theirs, id(2))).toBeNull();
  });

  it("turns a gesture round, the last change first", () => {
    const changes = [change(10, "eye", absent, placed(1, 2)), change(10, "eye", placed(9, 9), absent)];
    expect(reversed(changes)).toEqual([change(10, "eye", absent, placed(9, 9)), change(10, "eye", placed(1, 2), absent)]);
  });

  it("cannot be taken back after a new gesture", () => {
    const first = { id: id(1), changes: [change(20, "eye", absent)] };
    const now = changedBy(labels, first.changes);
    const step = undo(did(nothingDone, first), now, id(2));
    if (step === null) throw new Error("nothing to undo");
    const after = did(step.state, { id: id(3), changes: [change(20, "nose", absent)] });
    expect(redo(after, labels, id(4))).toBeNull();
  });
});
