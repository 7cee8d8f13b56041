import { describe, expect, it } from "vitest";

import { frameTimes, lastNotAfter, later, shownAt, stepped, timeOf, timeText } from "../src/clock";
import { numbers, unpack } from "../src/envelope";
import { distance, fitted, panned, toPicture, toScreen, turned, zoomed } from "../src/geometry";
import { Lru } from "../src/lru";

describe("the container of arrays", () => {
  // The bytes that tests/unit/app/test_envelope.py expects of envelope.py.
  const head =
    '{"arrays": [{"name": "a", "dtype": "u1", "shape": [3]}, {"name": "b", "dtype": "f8", "shape": [1]}], "unit": "px"}';

  function body(text: string, rest: number[]): ArrayBuffer {
    const padded = text + " ".repeat((8 - (text.length % 8)) % 8);
    const bytes = new Uint8Array(8 + padded.length + rest.length);
    bytes.set(new TextEncoder().encode("MYX1"));
    new DataView(bytes.buffer).setUint32(4, padded.length, true);
    bytes.set(new TextEncoder().encode(padded), 8);
    bytes.set(rest, 8 + padded.length);
    return bytes.buffer;
  }

  const half = [...new Uint8Array(new Float64Array([0.5]).buffer)];

  it("gives arrays and header", () => {
    const found = unpack(body(head, [1, 2, 3, 0, 0, 0, 0, 0, ...half]));
    expect(found.header).toEqual({ unit: "px" });
    expect([...numbers(found, "a")]).toEqual([1, 2, 3]);
    expect([...numbers(found, "b")]).toEqual([0.5]);
    expect(found.arrays.get("a")?.shape).toEqual([3]);
  });

  it.each([
    ["another magic", new Uint8Array(16).buffer],
    ["nothing", new ArrayBuffer(0)],
    ["a short body", body(head, [1, 2, 3, 0, 0, 0, 0, 0])],
    ["an unknown type", body('{"arrays": [{"name": "a", "dtype": "c8", "shape": [1]}]}', half)],
  ])("refuses %s", (_, wrong) => {
    expect(() => unpack(wrong)).toThrow(RangeError);
  });

  it("reads whole numbers of 64 bits as doubles", () => {
    const big = [...new Uint8Array(new BigInt64Array([-5n, 2n ** 52n]).buffer)];
    const found = unpack(body('{"arrays": [{"name": "t", "dtype": "i8", "shape": [2]}]}', big));
    expect([...numbers(found, "t")]).toEqual([-5, 2 ** 52]);
    expect(() => numbers(found, "x")).toThrow("no array x");
  });
});

describe("the cache", () => {
  it("lets go of what was used least recently, and says so", () => {
    const gone: string[] = [];
    const cache = new Lru<string, string>(10, (value) => gone.push(value));
    cache.set("a", "A", 4);
    cache.set("b", "B", 4);
    expect(cache.get("a")).toBe("A");
    cache.set("c", "C", 4);
    expect([gone, cache.used, cache.has("b")]).toEqual([["B"], 8, false]);
    cache.set("a", "A2", 1);
    expect([gone, cache.used]).toEqual([["B", "A"], 5]);
    cache.set("d", "D", 99);
    expect([cache.count, cache.get("d")]).toEqual([1, "D"]);
    cache.clear();
    expect([cache.count, cache.used, gone.length]).toEqual([0, 0, 5]);
  });
});

describe("times and frames", () => {
  const steady = frameTimes(Float64Array.from({ length: 300 }, (_, k) => 10 + k / 30));
  const gap = frameTimes(Float64Array.from({ length: 300 }, (_, k) => k / 30 + (k >= 100 ? 1.2 : 0)));

  it("shows the last frame that is not later", () => {
    for (let k = 0; k < 300; k += 1) {
      const own = steady.times[k] ?? NaN;
      expect(shownAt(steady, own).frame).toBe(k);
      expect(shownAt(steady, own + 0.02).frame).toBe(k);
      expect(shownAt(steady, own - 4e-7).frame).toBe(k);
      if (k > 0) expect(shownAt(steady, own - 1e-3).frame).toBe(k - 1);
    }
  });

  it("shows nothing before, after and within gaps", () => {
    expect(shownAt(steady, 9.9)).toMatchObject({ frame: null, gap: Infinity });
    expect(shownAt(steady, 10 + 299 / 30 + 0.04).frame).toBe(299);
    expect(shownAt(steady, 10 + 299 / 30 + 0.06).frame).toBeNull();
    const within = shownAt(gap, 99 / 30 + 0.6);
    expect(within.frame).toBeNull();
    expect(within.gap).toBeCloseTo(1.2 + 1 / 30, 9);
    expect(shownAt(gap, 100 / 30 + 1.2).frame).toBe(100);
  });

  it("steps by frames, not by time", () => {
    expect(stepped(gap, 99 / 30, 1)).toBeCloseTo(100 / 30 + 1.2, 9);
    expect(stepped(gap, 0, -5)).toBe(0);
    expect(stepped(gap, 1e9, 3)).toBe(gap.times[299]);
    expect(stepped(frameTimes(new Float64Array(0)), 3, 1)).toBe(3);
  });

  it("passes over frames without a time, wherever they lie, and finds all others", () => {
    const lost = new Set([0, 1, 149, 150, 151, 200, 299]);
    const times = Float64Array.from({ length: 300 }, (_, k) => (lost.has(k) ? NaN : 10 + k / 30));
    const clock = frameTimes(times);
    for (let k = 0; k < 300; k += 1) {
      // What is shown by looking at every frame: the last one with a time that is not later, and not too far.
      const now = 10 + k / 30 + 1e-9;
      let wanted: number | null = null;
      times.forEach((time, frame) => (wanted = time <= now && now - time <= 1.5 / 30 ? frame : wanted));
      expect(shownAt(clock, now).frame).toBe(wanted);
    }
    expect(stepped(clock, 10 + 148 / 30, 1)).toBe(times[152]);
    expect(stepped(clock, 10 + 152 / 30, -1)).toBe(times[148]);
    expect([timeOf(clock, 152), timeOf(clock, 151), timeOf(clock, 0)]).toEqual([times[152], times[148], times[2]]);
    expect([timeOf(clock, -1), timeOf(clock, 300), timeOf(steady, 299)]).toEqual([undefined, undefined, steady.times[299]]);
  });

  it("goes on by a second of time, not by so many frames, and over gaps", () => {
    // Exposures of 20 ms in the light and of 100 ms in the dark.
    const slow = frameTimes(Float64Array.from({ length: 200 }, (_, k) => (k < 100 ? 0.02 * k : 2 + 0.1 * (k - 100))));
    expect(later(slow, 0, 1)).toBeCloseTo(1, 9);
    expect(later(slow, 3, 1)).toBeCloseTo(4, 9);
    expect(later(slow, 4, -1)).toBeCloseTo(3, 9);
    expect(later(gap, 99 / 30, 1)).toBe(gap.times[100]);
    expect(later(gap, gap.times[100] ?? NaN, -1)).toBe(gap.times[99]);
    expect(later(gap, 0, -1)).toBe(0);
    expect(later(gap, gap.times[299] ?? NaN, 1)).toBe(gap.times[299]);
  });

  it("finds places by halving", () => {
    const times = Float64Array.from([1, 2, 2, 5]);
    expect([0, 1, 2, 4.9, 9].map((time) => lastNotAfter(times, time))).toEqual([-1, 0, 2, 2, 3]);
  });

  it("writes times", () => {
    expect([0, 252.345, 3599.9996, -1.5].map(timeText)).toEqual(["0:00:00.000", "0:04:12.345", "1:00:00.000", "-0:00:01.500"]);
  });
});

describe("places", () => {
  const view = { scale: 3, left: 10, top: -20 };

  it("puts the centre of a pixel half a pixel from its corner", () => {
    expect(toScreen(view, { x: 0, y: 0 })).toEqual({ x: 11.5, y: -18.5 });
    expect(toScreen({ scale: 1, left: 0, top: 0 }, { x: -0.5, y: -0.5 })).toEqual({ x: 0, y: 0 });
  });

  it("goes there and back", () => {
    const back = toPicture(view, toScreen(view, { x: 12.25, y: -3 }));
    expect(back.x).toBeCloseTo(12.25, 12);
    expect(back.y).toBeCloseTo(-3, 12);
  });

  it("fits a picture into a panel", () => {
    expect(fitted(200, 100, 400, 400)).toEqual({ scale: 2, left: 0, top: 100 });
    expect(fitted(100, 200, 400, 400)).toEqual({ scale: 2, left: 100, top: 0 });
  });

  it("zooms about a place, within limits", () => {
    const at = { x: 70, y: 30 };
    const before = toPicture(view, at);
    const after = toPicture(zoomed(view, at, 1.7), at);
    expect(distance(before, after)).toBeLessThan(1e-9);
    expect(zoomed(view, at, 1e9).scale).toBe(64);
    expect(zoomed(view, at, 1e-9).scale).toBe(0.05);
    expect(panned(view, 5, -5)).toEqual({ scale: 3, left: 15, top: -25 });
  });

  it("turns x towards y", () => {
    const found = turned({ x: 1, y: 0 }, 90);
    expect(found.x).toBeCloseTo(0, 12);
    expect(found.y).toBeCloseTo(1, 12);
  });
});
