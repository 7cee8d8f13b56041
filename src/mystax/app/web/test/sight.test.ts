import { describe, expect, it } from "vitest";

import type { Block, Envelope } from "../src/envelope";
import { histogramPath, paintSight, sightOf, sightText } from "../src/sight";

function envelope(more: Readonly<Record<string, Block>> = {}): Envelope {
  const arrays: Record<string, Block> = {
    sight_picture: { shape: [2, 3], values: Uint8Array.of(10, 200, 30, 100, 255, 0) },
    sight_kind: { shape: [2, 3], values: Uint8Array.of(2, 1, 2, 0, 3, 0) },
    sight_counts: { shape: [4], values: BigInt64Array.of(0n, 4n, 1n, 0n) },
    sight_thresholds: { shape: [2], values: Float32Array.of(86, 60) },
    sight_origin: { shape: [2], values: Int32Array.of(40, 20) },
    sight_inverted: { shape: [], values: Uint8Array.of(0) },
    sight_points: { shape: [2, 2], values: Float32Array.of(41, 20.5, NaN, NaN) },
    sight_ellipse: { shape: [5], values: Float32Array.of(41.5, 21, 2, 1, 0.5) },
    ...more,
  };
  return { arrays: new Map(Object.entries(arrays)), header: {} };
}

describe("what the fit sees", () => {
  const sight = sightOf(envelope());

  it("is read with places of the box, without rays that found no edge", () => {
    expect([sight?.width, sight?.height]).toEqual([3, 2]);
    expect(sight?.rim).toEqual([{ x: 1, y: 0.5 }]);
    expect(sight?.ellipse).toEqual({ x: 1.5, y: 1, long: 2, short: 1, angle: 0.5 });
    expect(sight?.thresholds).toEqual([86, 60]);
    expect(sight?.isInverted).toBe(false);
  });

  it("has no ellipse where none fits, and is nothing where nothing was sent", () => {
    const nothing: Block = { shape: [5], values: new Float32Array(5).fill(NaN) };
    expect(sightOf(envelope({ sight_ellipse: nothing }))?.ellipse).toBeNull();
    expect(sightOf({ arrays: new Map(), header: {} })).toBeNull();
  });

  it("is painted grey where it is only seen, in colours where it counts or is hidden, dim outside", () => {
    if (sight === null) throw new Error("there is a sight");
    const out = new Uint8ClampedArray(4 * 6);
    paintSight(sight, out);
    const pixel = (k: number): number[] => [...out.subarray(4 * k, 4 * k + 4)];
    expect(pixel(1)).toEqual([200, 200, 200, 255]);
    expect(pixel(3)).toEqual([35, 35, 35, 255]);
    const [red = 0, , blue = 0] = pixel(0);
    expect(red).toBeGreaterThan(blue + 50);
    const [hidden = 0, , spot = 0] = pixel(4);
    expect(spot).toBeGreaterThan(hidden);
  });

  it("is told in numbers", () => {
    expect(sight === null ? "" : sightText(sight)).toBe("2 of 4 pixels darker than 86, 1 of reflections, 1 places of the edge");
    const blink = sightOf(envelope({ sight_kind: { shape: [2, 3], values: Uint8Array.of(2, 1, 2, 0, 1, 0) }, sight_points: { shape: [0, 2], values: new Float32Array(0) } }));
    expect(blink === null ? "" : sightText(blink)).toBe("2 of 4 pixels darker than 86");
  });

  it("has a line for each level that is there, by the root of its count", () => {
    expect(histogramPath([0, 4, 1, 0], 10)).toBe("M1.5 10V0.0M2.5 10V5.0");
    expect(histogramPath([0, 0], 10)).toBe("");
  });
});
