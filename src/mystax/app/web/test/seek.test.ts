import { describe, expect, it } from "vitest";

import { answered, failed, label, MOST_FLYING, moved, rested, start, type Request, type Seek, type Step } from "../src/seek";

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

  it("goes back to a frame that was shown before something else was asked for", () => {
    const panel = new Panel();
    panel.take(rested(panel.state, 5));
    panel.answer(1);
    panel.take(moved(panel.state, 400));
    panel.take(rested(panel.state, 5));
    for (const seq of [...panel.flying.keys()]) panel.answer(seq);
    expect(panel.state.drawn).toMatchObject({ frame: 5, isExact: true });
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
