import { describe, expect, it } from "vitest";

import { comparisonOf, errorText, verdict, type Comparison } from "../src/evaluation";

const summary = (mean: number | null, n = 10) => ({ n, mean, mean_interval: mean === null ? null : [mean - 1, mean + 1] });
const found = {
  n_frames: 12,
  models: {
    mine: { all: summary(3), keypoints: { nose: summary(2), ear: summary(null, 0) } },
    "mouse-face": { all: summary(5), keypoints: { nose: summary(4) }, first_minus_this: { mean: -2, interval: [-2.5, -1.5] } },
    "mean shape": { all: summary(30) },
  },
  worst_frames: ["face 3"],
  training: { "held out": "blocks", steps: 200 },
};

describe("the figures of a training", () => {
  it("set the new weights beside those before, point by point", () => {
    const made = comparisonOf(found);
    expect([made?.model, made?.base, made?.n_frames]).toEqual(["mine", "mouse-face", 12]);
    expect(made?.lines).toEqual([
      { name: "all points", n: 10, after: 3, before: 5, interval: [2, 4] },
      { name: "nose", n: 10, after: 2, before: 4, interval: [1, 3] },
      { name: "ear", n: 0, after: null, before: null, interval: null },
    ]);
    expect(made?.worst).toEqual(["face 3"]);
    expect(made?.facts).toEqual([["held out", "blocks"], ["steps", "200"]]);
  });

  it("stand alone where there was nothing before", () => {
    const made = comparisonOf({ ...found, models: { mine: found.models.mine } });
    expect([made?.base, made?.difference, made?.lines[0]?.before]).toEqual([null, null, null]);
    expect(verdict(made!)).toContain("no weights before");
  });

  it("are none where nothing was measured", () => {
    expect(comparisonOf({})).toBeNull();
    expect(comparisonOf({ models: { "mean shape": {} } })).toBeNull();
    expect(comparisonOf({ models: [] })).toBeNull();
  });

  it.each([
    [[-2, -2.5, -1.5], "Better than before: errors differ by -2.00 px@256 (95 % from -2.50 to -1.50)."],
    [[2, 1.5, 2.5], "Worse than before: errors differ by 2.00 px@256 (95 % from 1.50 to 2.50)."],
    [[-0.1, -1, 0.8], "Not told apart from before: errors differ by -0.10 px@256 (95 % from -1.00 to 0.80)."],
  ] as const)("are called better or worse only where the interval leaves zero out", (difference, words) => {
    expect(verdict({ ...comparisonOf(found), difference } as Comparison)).toBe(words);
  });

  it("say nothing where an error is not known", () => {
    expect([errorText(null), errorText(2.345)]).toEqual(["", "2.35"]);
  });
});
