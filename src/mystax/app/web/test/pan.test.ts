import { describe, expect, it } from "vitest";

import { panned } from "../src/pan";

describe("panned", () => {
  it("moves a window by a share of its length", () => {
    expect(panned([10, 20], [0, 100], 0.5)).toEqual([15, 25]);
    expect(panned([10, 20], [0, 100], -0.5)).toEqual([5, 15]);
  });

  it("stops at both ends with its length kept", () => {
    expect(panned([10, 20], [0, 100], -3)).toEqual([0, 10]);
    expect(panned([85, 95], [0, 100], 3)).toEqual([90, 100]);
  });

  it("stays where the whole is shown, or more than that", () => {
    expect(panned([0, 100], [0, 100], 1)).toEqual([0, 100]);
    expect(panned([-5, 105], [0, 100], -1)).toEqual([-5, 105]);
  });
});
