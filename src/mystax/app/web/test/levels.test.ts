import { describe, expect, it } from "vitest";

import type { Levels } from "../src/api.gen";
import { bars, fitting, levelsText, moveEnd, whole } from "../src/levels";

const levels: Levels = { counts: [0, 100, 25, 1], least: 0, most: 255, window: [12.3, 201.6] };

describe("the histogram of a picture", () => {
  it("has bars by the root of the counts", () => {
    expect(bars(levels)).toEqual([0, 1, 0.5, 0.1]);
    expect(bars({ ...levels, counts: [] })).toEqual([]);
    expect(bars({ ...levels, counts: [0, 0] })).toEqual([0, 0]);
  });

  it("says its range and what is near white", () => {
    expect(levelsText(levels)).toBe("12 to 202 of 255");
    expect(levelsText({ ...levels, counts: [50, 50] })).toBe("12 to 202 of 255; 50 % near white");
    expect(levelsText({ ...levels, counts: [] })).toBe("the frame could not be read");
  });
});

describe("the range that is shown", () => {
  it("is all, or what the picture holds", () => {
    expect([whole(levels), fitting(levels)]).toEqual([[0, 255], [12.3, 201.6]]);
  });

  it("keeps its ends in order, apart and inside", () => {
    expect(moveEnd([10, 200], 0, 50, levels)).toEqual([50, 200]);
    expect(moveEnd([10, 200], 0, 230, levels)).toEqual([230, 231]);
    expect(moveEnd([10, 200], 1, 5, levels)).toEqual([4, 5]);
    expect(moveEnd([10, 200], 0, 999, levels)).toEqual([254, 255]);
    expect(moveEnd([10, 200], 1, -9, levels)).toEqual([0, 1]);
    expect(moveEnd([10, 200], 1, NaN, levels)).toEqual([10, 200]);
  });
});
