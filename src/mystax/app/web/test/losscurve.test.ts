import { describe, expect, it } from "vitest";

import type { JobCurve } from "../src/api.gen";
import { curveText, drawing, pointsText } from "../src/losscurve";

const curve: JobCurve = {
  steps: [10, 20, 30, 40],
  losses: [4, 2, 3, 1],
  starts: [1, 21],
  held_out: [{ step: 20, error: 6 }, { step: 40, error: 4 }],
  total: 80,
};

describe("the loss of a training", () => {
  it("is a line for each fit, in the part of the box that is done", () => {
    const { lines, looks } = drawing(curve, 160, 60);
    expect(lines).toEqual([
      [{ x: 20, y: 0 }, { x: 40, y: 40 }],
      [{ x: 60, y: 20 }, { x: 80, y: 60 }],
    ]);
    expect(looks).toEqual([{ x: 40, y: 0 }, { x: 80, y: 60 }]);
  });

  it("has axes from least to most", () => {
    const { least, most, leastError, mostError, lastLoss, lastError } = drawing(curve, 100, 50);
    expect([least, most, leastError, mostError, lastLoss, lastError]).toEqual([1, 4, 4, 6, 1, 4]);
  });

  it("stays in the box for one point, equal points and none", () => {
    const flat = drawing({ ...curve, losses: [2, 2, 2, 2], held_out: [] }, 100, 50);
    expect(flat.lines.flat().every(({ y }) => y === 25)).toBe(true);
    const none = drawing({ steps: [], losses: [], starts: [], held_out: [], total: 0 }, 100, 50);
    expect([none.lines, none.looks, none.lastLoss]).toEqual([[], [], null]);
  });

  it("is written and said", () => {
    expect(pointsText([{ x: 1, y: 2.26 }, { x: 3, y: 4 }])).toBe("1.0,2.3 3.0,4.0");
    expect(curveText(curve)).toBe("loss 1.00 at step 40 of 80; 4.00 px@256 on held-out frames");
    expect(curveText({ ...curve, held_out: [] })).toBe("loss 1.00 at step 40 of 80");
    expect(curveText({ ...curve, losses: [] })).toBe("no step yet");
  });
});
