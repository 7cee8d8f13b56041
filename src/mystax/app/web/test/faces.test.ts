import { describe, expect, it } from "vitest";

import type { Bout } from "../src/api.gen";
import { frameOf, framesOf, isInside, MOMENTS, nextMoment, ONSET } from "../src/clips";
import { frameTimes } from "../src/clock";
import type { Envelope } from "../src/envelope";
import { facesOf, known, pathOf, windowOf } from "../src/faces";

/** Two states, two views, three points: each number tells its place. */
function envelope(): Envelope {
  const n = { state: 2, view: 2, point: 3 };
  const mean = Float32Array.from({ length: n.state * n.view * n.point * 2 }, (_, k) => k);
  return {
    header: { views: ["front", "side"], edges: [[0, 1], [1, 2]], unit: "mm", keypoints: ["a", "b", "c"] },
    arrays: new Map([
      ["face_mean", { shape: [2, 2, 3, 2], values: mean }],
      ["face_sd", { shape: [2, 2, 3, 2], values: mean.map((value) => value / 10) }],
      ["grand_mean", { shape: [2, 3, 2], values: Float32Array.from({ length: 12 }, (_, k) => 100 + k) }],
    ]),
  };
}

describe("faces", () => {
  const found = facesOf(envelope());

  it("are taken apart by state, view and point", () => {
    expect([found.states.length, found.states[0]?.length, found.grand.length]).toEqual([2, 2, 2]);
    expect(found.states[1]?.[0]?.places).toEqual([[12, 13], [14, 15], [16, 17]]);
    expect(found.states[0]?.[1]?.places[2]).toEqual([10, 11]);
    expect(found.grand[1]).toEqual([[106, 107], [108, 109], [110, 111]]);
    expect(found.states[1]?.[1]?.spread[0]?.[0]).toBeCloseTo(1.8, 5);
    expect([found.views, found.unit]).toEqual([["front", "side"], "mm"]);
  });

  it("are drawn along edges whose ends are known", () => {
    expect(pathOf([[0, 1], [2, 3], [4, 5]], found.edges)).toBe("M0 1L2 3M2 3L4 5");
    expect(pathOf([[0, 1], [NaN, NaN], [4, 5]], found.edges)).toBe("");
    expect(pathOf([[0.12345678, 1]], [[0, 7]])).toBe("");
  });

  it("fill a window with room around them", () => {
    expect(windowOf([[0, 10], [20, 30], [NaN, NaN]], 0.1)).toEqual({ x: -2, y: 8, width: 24, height: 24 });
    expect(windowOf([[NaN, NaN]])).toBeNull();
    expect(windowOf([[5, 5]])?.width).toBeGreaterThan(0);
  });

  it("leave out points that are not known", () => {
    const some = known({ places: [[1, 2], [NaN, 2]], spread: [[NaN, NaN], [1, 1]] });
    expect(some).toEqual([{ place: [1, 2], spread: [0, 0] }]);
  });
});

describe("example bouts", () => {
  const clock = frameTimes(Float64Array.from({ length: 301 }, (_, k) => k / 30));
  const bout: Bout = { start: 2, stop: 2.55, is_whole: true };

  it("go from before the onset to after it in even steps", () => {
    expect([MOMENTS[0], MOMENTS[ONSET], MOMENTS[MOMENTS.length - 1]]).toEqual([-0.5, 0, 1.5]);
    for (let k = 1; k < MOMENTS.length; k += 1) expect((MOMENTS[k] ?? 0) - (MOMENTS[k - 1] ?? 0)).toBeCloseTo(0.1, 9);
    expect([nextMoment(0), nextMoment(MOMENTS.length - 1)]).toEqual([1, 0]);
  });

  it("show the frame of their moment, and none where there is none", () => {
    expect([-0.5, 0, 1.5].map((moment) => frameOf(bout, clock, moment))).toEqual([45, 60, 105]);
    expect(frameOf({ ...bout, start: 0.2 }, clock, -0.5)).toBeNull();
    expect(frameOf({ ...bout, start: 9.9 }, clock, 1.5)).toBeNull();
  });

  it("are framed while they last", () => {
    expect([-0.1, 0, 0.5, 0.6].map((moment) => isInside(bout, moment))).toEqual([false, true, true, false]);
  });

  it("need each frame once, those of the onset first", () => {
    const frames = framesOf([bout, { ...bout, start: 2.1 }, { ...bout, start: 0.2 }], clock);
    expect(frames.slice(0, 3)).toEqual([60, 63, 6]);
    expect(new Set(frames).size).toBe(frames.length);
    expect(Math.min(...frames)).toBeGreaterThanOrEqual(0);
  });
});
