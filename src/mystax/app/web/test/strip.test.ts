import { describe, expect, it } from "vitest";

import type { OutcomeInfo, RecordingInfo } from "../src/api.gen";
import { poseOf } from "../src/pose";
import { AROUND, cellsAround, cellText, columnOf, frameUnder, JUMP, stripText, topStep, type Facts, type Sample } from "../src/strip";

/** A point that goes 3-4-5 triangles: 5 px from frame to frame, but frame 7 has none. */
const sample = (frame: number): Sample | null =>
  frame === 7 ? null : { x: 3 * frame, y: 4 * frame, confidence: frame === 9 ? 0.2 : 0.9, flag: frame === 11 ? JUMP | 4 : 4 };
const facts: Facts = {
  n_frames: 40,
  labelled: new Set([6, 30]),
  reasons: new Map([[9, "the model is not sure of mouth"]]),
  sample,
};

describe("the strip", () => {
  it("shows the frames around one, and fewer at the ends", () => {
    expect(cellsAround(20, facts, 5).map((one) => one.frame)).toEqual([15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25]);
    expect(cellsAround(1, facts, 3).map((one) => one.frame)).toEqual([0, 1, 2, 3, 4]);
    expect(cellsAround(39, facts, 2).map((one) => one.frame)).toEqual([37, 38, 39]);
    expect(cellsAround(500, { ...facts, n_frames: 2000 })).toHaveLength(2 * AROUND + 1);
  });

  it("measures the way from frame to frame, and nothing beside a missing one", () => {
    const steps = new Map(cellsAround(8, facts, 3).map((one) => [one.frame, one.step]));
    expect(steps.get(5)).toBe(5);
    expect(steps.get(6)).toBe(5);
    expect([steps.get(7), steps.get(8)]).toEqual([NaN, NaN]);
    expect(steps.get(9)).toBe(5);
    expect(cellsAround(0, facts, 1)[0]?.step).toBe(NaN);
  });

  it("tells labels, suggestions, jumps and unsure points apart", () => {
    const cells = cellsAround(9, facts, 3);
    const of = (is: (cell: (typeof cells)[number]) => boolean): number[] => cells.filter(is).map((one) => one.frame);
    expect(of((one) => one.isLabelled)).toEqual([6]);
    expect(of((one) => one.reason !== "")).toEqual([9]);
    expect(of((one) => one.isJump)).toEqual([11]);
    expect(of((one) => one.isLow)).toEqual([9]);
  });

  it("says in words what it shows", () => {
    const cells = cellsAround(9, facts, 3);
    expect(stripText(cells)).toBe("frames 6 to 12: 1 labelled, 1 suggested, 1 jumps, 1 of low confidence");
    expect(cellText(cells[3]!)).toBe("frame 9, suggested: the model is not sure of mouth, low confidence, step 5.0 px");
    expect(cellText(cells[1]!)).toBe("frame 7");
    expect(stripText([])).toBe("no frames");
  });

  it("does not blow up noise", () => {
    const cells = cellsAround(9, { ...facts, sample: () => ({ x: 0.1, y: 0, confidence: 1, flag: 0 }) }, 2);
    expect(topStep(cells)).toBe(2);
    expect(topStep(cellsAround(20, facts, 2))).toBe(5);
  });

  it("finds the frame that is drawn at a place, for every column", () => {
    for (const width of [301, 640, 733.5]) {
      for (let frame = 350; frame <= 650; frame += 1) {
        const x = columnOf(frame, 500, width) + width / 602;
        expect(frameUnder(x, 500, width, 1000)).toBe(frame);
      }
    }
  });

  it("has no frame beside the recording", () => {
    expect(frameUnder(10, 0, 301, 1000)).toBeNull();
    expect(frameUnder(151, 0, 301, 1000)).toBe(1);
    expect(frameUnder(151, 999, 301, 1000)).toBeNull();
    expect(frameUnder(-1, 500, 301, 1000)).toBeNull();
    expect(frameUnder(301, 500, 301, 1000)).toBeNull();
  });
});

describe("the predicted points of a camera", () => {
  const outcome = (analysis: string, camera: string): OutcomeInfo => ({ id: `${analysis}/${camera}`, analysis, camera }) as OutcomeInfo;
  const recording = (cameras: readonly string[], outcomes: readonly OutcomeInfo[]): RecordingInfo =>
    ({ cameras: cameras.map((name) => ({ name })), outcomes }) as unknown as RecordingInfo;

  it("are its own, or those of the only camera", () => {
    const two = recording(["left", "right"], [outcome("motion", "left"), outcome("pose", "right"), outcome("pose", "")]);
    expect(poseOf(two, "right")?.id).toBe("pose/right");
    expect(poseOf(two, "left")).toBeNull();
    expect(poseOf(recording(["face"], [outcome("pose", "")]), "face")?.id).toBe("pose/");
  });
});
