import { describe, expect, it } from "vitest";

import { BLOCK, lineAround, nextBlock, valueAt } from "../src/around";

const filled = (first: number): Float32Array => Float32Array.from({ length: BLOCK }, (_, k) => first + k);

describe("the frames around one", () => {
  it("are asked for from the nearest on, each once, until all are there", () => {
    const blocks = new Map<number, Float32Array>();
    const order: number[] = [];
    for (let next = nextBlock(205, 1000, blocks, 30); next !== null; next = nextBlock(205, 1000, blocks, 30)) {
      order.push(next);
      blocks.set(next, filled(next));
    }
    expect(order).toEqual([200, 210, 190, 220, 180, 230, 170]);
    const { n_known, n_all, runs } = lineAround(205, 1000, blocks, 30);
    expect([n_known, n_all, runs.length]).toEqual([61, 61, 1]);
  });

  it("end with the recording", () => {
    const blocks = new Map<number, Float32Array>();
    const order: number[] = [];
    for (let next = nextBlock(3, 25, blocks, 150); next !== null; next = nextBlock(3, 25, blocks, 150)) {
      order.push(next);
      blocks.set(next, filled(next));
    }
    expect(order).toEqual([0, 10, 20]);
    expect(lineAround(3, 25, blocks).n_all).toBe(25);
    expect(nextBlock(0, 0, new Map())).toBeNull();
  });

  it("make a line that breaks where a value is missing", () => {
    const values = filled(0);
    values[4] = NaN;
    const { runs, least, most, n_known, n_all } = lineAround(5, 40, new Map([[0, values]]), 10);
    expect(runs.map((run) => run.map(([frame]) => frame))).toEqual([[0, 1, 2, 3], [5, 6, 7, 8, 9]]);
    expect([least, most, n_known, n_all]).toEqual([0, 9, 10, 16]);
  });

  it("have a value only where it has come", () => {
    const blocks = new Map([[10, filled(10)]]);
    expect(valueAt(blocks, 14)).toBe(14);
    expect(valueAt(blocks, 9)).toBeNaN();
    expect(valueAt(blocks, 20)).toBeNaN();
  });
});
