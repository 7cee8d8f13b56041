import { describe, expect, it } from "vitest";

import type { Point } from "../src/geometry";
import { trailsAt } from "../src/trails";

const walk = (missing: readonly number[] = []) => (frame: number): ReadonlyArray<Point | null> | null => {
  if (frame > 20) return null;
  return [missing.includes(frame) ? null : { x: frame, y: 0 }, { x: 0, y: 2 * frame }];
};

const xs = (way: readonly Point[] | undefined): number[] => (way ?? []).map(({ x }) => x);

describe("the trail of a point", () => {
  it("reaches as many frames back as on", () => {
    const [first, second] = trailsAt(walk(), 10, 3);
    expect(xs(first)).toEqual([7, 8, 9, 10, 11, 12, 13]);
    expect(second?.map(({ y }) => y)).toEqual([14, 16, 18, 20, 22, 24, 26]);
  });

  it("is not drawn through a frame in which the point is missing", () => {
    const ways = trailsAt(walk([9]), 10, 3);
    expect(ways.map(xs).filter((way) => way.some((x) => x > 0))).toEqual([[7, 8], [10, 11, 12, 13]]);
  });

  it("ends where the recording does, and one place is no trail", () => {
    expect(xs(trailsAt(walk(), 0, 3)[0])).toEqual([0, 1, 2, 3]);
    expect(xs(trailsAt(walk(), 20, 2)[0])).toEqual([18, 19, 20]);
    expect(trailsAt(walk(), 10, 0)).toEqual([]);
    expect(trailsAt(() => null, 10, 5)).toEqual([]);
  });
});
