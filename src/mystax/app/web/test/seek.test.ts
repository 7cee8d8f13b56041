import { describe, expect, it } from "vitest";

import {
  AHEAD,
  ahead,
  answered,
  failed,
  label,
  left,
  MOST_FLYING,
  MOST_PLAYING,
  moved,
  played,
  reshaped,
  rested,
  skipped,
  start,
  type Request,
  type Seek,
  type Step,
} from "../src/seek";

/** Random numbers that are the same each time. */
function random(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

class Panel {
  state: Seek = start;
  readonly flying = new Map<number, Request>();
  readonly drawn: { seq: number; frame: number; isExact: boolean }[] = [];

  take(step: Step): void {
    this.state = step.state;
    for (const seq of step.drop ?? []) this.flying.delete(seq);
    if (step.send !== undefined) this.flying.set(step.send.seq, step.send);
    if (step.draw !== undefined) this.drawn.push(step.draw);
  }

  answer(seq: number): void {
    const request = this.flying.get(seq);
    if (request === undefined) return;
    this.flying.delete(seq);
    const frame = request.mode === "exact" ? request.frame : Math.round(request.frame / 50) * 50;
    this.take(answered(this.state, { seq, frame }));
  }
}

describe("pictures in any order", () => {
  it("never falls back, and ends with the last wish, in 10,000 random orders", () => {
    const next = random(7);
    for (let round = 0; round < 10_000; round += 1) {
      const panel = new Panel();
      let wish = 0;
      for (let turn = 0; turn < 12; turn += 1) {
        const choice = next();
        if (choice < 0.5) panel.take(moved(panel.state, (wish = Math.floor(next() * 1000))));
        else if (choice < 0.6) panel.take(rested(panel.state, (wish = Math.floor(next() * 1000))));
        else {
          const seqs = [...panel.flying.keys()];
          const seq = seqs[Math.floor(next() * seqs.length)];
          if (seq === undefined) continue;
          if (next() < 0.1) {
            panel.flying.delete(seq);
            panel.take(failed(panel.state, seq));
          } else panel.answer(seq);
        }
      }
      panel.take(rested(panel.state, wish));
      while (panel.flying.size > 0) {
        const seqs = [...panel.flying.keys()];
        panel.answer(seqs[Math.floor(next() * seqs.length)] ?? 0);
      }
      const seqs = panel.drawn.map((one) => one.seq);
      expect(seqs).toEqual([...seqs].sort((a, b) => a - b));
      expect(panel.state.drawn).toMatchObject({ frame: wish, isExact: true });
      expect(panel.state.phase).toBe("exact");
    }
  });

  it("keeps at most four previews under way", () => {
    const panel = new Panel();
    for (let frame = 0; frame < 20; frame += 1) panel.take(moved(panel.state, frame));
    expect(panel.flying.size).toBe(MOST_FLYING);
    expect(panel.state.wanted).toBe(19);
  });

  it("does not draw a late preview over the exact frame", () => {
    const panel = new Panel();
    panel.take(moved(panel.state, 100));
    const preview = [...panel.flying.keys()][0] ?? 0;
    const late = panel.flying.get(preview);
    panel.take(rested(panel.state, 120));
    panel.answer(panel.state.seq);
    if (late !== undefined) panel.flying.set(preview, late);
    panel.answer(preview);
    expect(panel.drawn).toEqual([{ seq: 2, frame: 120, isExact: true }]);
  });

  it("asks once for the frame that is under way or shown", () => {
    const panel = new Panel();
    panel.take(rested(panel.state, 5));
    panel.take(rested(panel.state, 5));
    expect(panel.state.seq).toBe(1);
    panel.answer(1);
    panel.take(rested(panel.state, 5));
    expect([panel.state.seq, panel.state.phase]).toEqual([1, "exact"]);
  });

  it("asks for the shown frame again when it is wanted in another form, and draws only that", () => {
    const panel = new Panel();
    panel.take(rested(panel.state, 5));
    const old = panel.state.seq;
    panel.take(reshaped(panel.state, 5));
    panel.answer(panel.state.seq);
    panel.answer(old);
    panel.take(reshaped(panel.state, 5));
    panel.answer(panel.state.seq);
    expect(panel.drawn.map((one) => one.seq)).toEqual([2, 3]);
    expect(panel.state.phase).toBe("exact");
  });

  it("goes back to a frame that was shown before something else was asked for", () => {
    const panel = new Panel();
    panel.take(rested(panel.state, 5));
    panel.answer(1);
    panel.take(moved(panel.state, 400));
    panel.take(rested(panel.state, 5));
    for (const seq of [...panel.flying.keys()]) panel.answer(seq);
    expect(panel.state.drawn).toMatchObject({ frame: 5, isExact: true });
  });

  it("draws nothing that comes late where there is no frame, and the frame again after it", () => {
    const panel = new Panel();
    panel.take(rested(panel.state, 7));
    panel.answer(1);
    panel.take(moved(panel.state, 8));
    panel.take(rested(panel.state, 9));
    const late = [2, 3];
    panel.take(left(panel.state));
    expect([panel.flying.size, panel.state.wanted]).toEqual([0, null]);
    for (const seq of late) panel.take(answered(panel.state, { seq, frame: 9 }));
    expect(panel.drawn.map(({ frame }) => frame)).toEqual([7]);
    panel.take(rested(panel.state, 9));
    panel.answer(panel.state.seq);
    expect(panel.drawn.map(({ frame }) => frame)).toEqual([7, 9]);
  });

  it("marks a near picture in its label", () => {
    const panel = new Panel();
    expect(label(panel.state)).toBe("");
    panel.take(moved(panel.state, 12_340));
    panel.answer(1);
    expect(label(panel.state)).toBe("≈ 12,350");
    panel.take(rested(panel.state, 12_340));
    panel.answer(2);
    expect(label(panel.state)).toBe("12,340");
  });
});

describe("play", () => {
  it("gives up no picture for the next one, and has few under way", () => {
    const panel = new Panel();
    for (let frame = 0; frame < 10; frame += 1) panel.take(played(panel.state, frame));
    expect([...panel.flying.values()].map((one) => one.frame)).toEqual([0, 1, 2].slice(0, MOST_PLAYING));
    expect(panel.state.wanted).toBe(9);
    panel.answer(1);
    panel.take(played(panel.state, 10));
    expect([...panel.flying.values()].map((one) => one.frame)).toEqual([1, 2, 10]);
  });

  it("asks for a frame once", () => {
    const first = played(start, 4);
    expect(first.send).toMatchObject({ frame: 4, mode: "exact" });
    expect(played(first.state, 4).send).toBeUndefined();
    expect(played({ ...first.state, wanted: 5 }, 4).send).toBeUndefined();
  });

  it("counts what was passed over", () => {
    expect([skipped(null, 7), skipped(6, 7), skipped(6, 10), skipped(10, 6)]).toEqual([0, 0, 3, 3]);
  });
});

describe("reading ahead", () => {
  it("goes the way of travel, inside the recording, and only for what is not here", () => {
    const none = (): boolean => false;
    expect(ahead(10, 1, 100, none)).toEqual([11, 12, 13, 14, 15, 16, 17, 18].slice(0, AHEAD));
    expect(ahead(2, -1, 100, none)).toEqual([1, 0]);
    expect(ahead(97, 1, 100, (frame) => frame === 98)).toEqual([99]);
    expect(ahead(10, 0, 100, none)).toEqual([]);
  });
});
