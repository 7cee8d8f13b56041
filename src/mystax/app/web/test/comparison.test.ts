import { describe, expect, it } from "vitest";

import { sideBySide, unfair, winner, type SideBySide } from "../src/comparison";

const figures = (mean: number, point: number | null, more: object = {}) => ({
  all: { n: 20, mean },
  keypoints: { nose: { n: 12, mean: point }, ear: { n: 8, mean } },
  ...more,
});

const table = {
  sides: [
    { name: "old", n_seen: 0 },
    { name: "new", n_seen: 7 },
  ],
  keypoints: ["nose", "ear"],
  n_frames: 10,
  n_left_out: 3,
  models: { old: figures(4, 5), new: figures(3, null, { first_minus_this: { mean: 1, interval: [0.5, 1.5] } }) },
  worst: [{ file: "face.mp4", frame: 7, errors: [9.5, null], label: [[1, 2], null], said: [[[3, 4], [5, 6]], [null, [7, 8.5]]] }],
};

function made(): SideBySide {
  const found = sideBySide(table);
  if (found === null) throw new Error("no comparison");
  return found;
}

describe("a comparison", () => {
  it("sets the two beside each other, point by point", () => {
    const found = made();
    expect(found.names).toEqual(["old", "new"]);
    expect(found.rows).toEqual([
      { name: "all points", n: 20, means: [4, 3] },
      { name: "nose", n: 12, means: [5, null] },
      { name: "ear", n: 8, means: [4, 3] },
    ]);
    expect([found.n_frames, found.n_left_out]).toEqual([10, 3]);
  });

  it("has the worst frames with all places", () => {
    expect(made().worst).toEqual([
      { file: "face.mp4", frame: 7, errors: [9.5, null], label: [[1, 2], null], said: [[[3, 4], [5, 6]], [null, [7, 8.5]]] },
    ]);
  });

  it("names the better one only where the interval leaves zero out", () => {
    expect(winner(made())).toContain("new is better by 1.00 px@256");
    expect(winner({ ...made(), difference: [-1, -2, -0.1] })).toContain("old is better by 1.00");
    expect(winner({ ...made(), difference: [-1, -2, 0.1] })).toContain("not told apart");
    expect(winner({ ...made(), difference: null })).toContain("no frame");
  });

  it("says who was trained on what it is judged by", () => {
    expect(unfair(made())).toEqual(["new was trained on 7 of these 10 frames: its error on new frames is larger, see its report."]);
    expect(unfair({ ...made(), seen: [0, 0] })).toEqual([]);
  });

  it("is none where nothing was compared", () => {
    expect(sideBySide({})).toBeNull();
    expect(sideBySide({ sides: [{ name: "one" }] })).toBeNull();
    expect(sideBySide({ sides: [{ name: "a" }, { name: "b" }] })?.difference).toBeNull();
  });
});
