import { describe, expect, it } from "vitest";

import { tickTexts, unitText } from "../src/ticks";

describe("the words at the ticks of an axis", () => {
  it.each([
    [[0, 50, 100], ["0", "50", "100"]],
    [[-0.5, 0, 0.5], ["-0.5", "0.0", "0.5"]],
    [[0.1, 0.2, 0.1 + 0.2], ["0.1", "0.2", "0.3"]],
    [[0, 0.005, 0.01], ["0.000", "0.005", "0.010"]],
    [[412.25, 412.5, 412.75], ["412.25", "412.50", "412.75"]],
    [[0, 25_000, 50_000], ["0", "25000", "50000"]],
    [[0, 200_000, 400_000], ["0", "2e5", "4e5"]],
    [[-150_000, 0, 150_000], ["-1.5e5", "0", "1.5e5"]],
    [[0, 0.0005, 0.001], ["0", "5e-4", "1.0e-3"]],
    [[7], ["7"]],
    [[0], ["0"]],
  ])("of %j are %j", (ticks, texts) => {
    expect(tickTexts(ticks)).toEqual(texts);
  });

  it("are different numbers, and each is nearer to its tick than to any other", () => {
    for (const step of [1e-6, 2.5e-5, 1e-3, 0.25, 2, 40, 5e3, 1e7]) {
      for (const first of [0, -3 * step, 1e3 * step, 12_345 * step]) {
        const ticks = Array.from({ length: 6 }, (_, k) => first + k * step);
        const texts = tickTexts(ticks);
        expect(new Set(texts).size).toBe(6);
        texts.forEach((text, k) => expect(Math.abs(Number(text) - (ticks[k] ?? NaN))).toBeLessThan(step / 2));
      }
    }
  });
});

describe("a unit", () => {
  it.each([["px2", "px²"], ["mm3", "mm³"], ["grey_level", "grey level"], ["px s-1", "px s-1"], ["1", ""], ["s", "s"]])("%s is written %s", (unit, text) => {
    expect(unitText(unit)).toBe(text);
  });
});
