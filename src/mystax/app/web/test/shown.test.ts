import { describe, expect, it } from "vitest";

import type { JobRow } from "../src/api.gen";
import { canCancel, canRetry, cellText, lasting, messages, summary, tableOf } from "../src/jobs";
import { barLength, extent, framed, IDENTITY, orbited, projected, times, zoomedBy, type Vector } from "../src/orbit";
import { greys, levelFor, MISSING, signed, tilesOf } from "../src/raster";
import { endOf, hosts, joined, lookOf, nextBout, saying, statesOf, transitions, type Run, type Said } from "../src/runs";

describe("a view in space", () => {
  const points: Vector[] = [
    [0, 0, 0],
    [10, 0, 0],
    [0, 4, 0],
    [0, 0, 6],
    [NaN, 0, 0],
  ];
  const view = framed(points, IDENTITY, 400, 300);

  it("shows all points, the middle of them in the middle", () => {
    expect(extent(points).centre).toEqual([5, 2, 3]);
    expect(projected(view, [5, 2, 3], 400, 300)).toEqual({ x: 200, y: 150, depth: 0 });
    for (const point of points.slice(0, 4)) {
      const at = projected(view, point, 400, 300);
      expect(at?.x).toBeGreaterThan(0);
      expect(at?.y).toBeLessThan(300);
    }
    expect(projected(view, [NaN, 0, 0], 400, 300)).toBeNull();
    expect(extent([]).radius).toBe(1);
  });

  it("turns without stretching: four quarter turns are none", () => {
    let turned = view;
    for (let k = 0; k < 4; k += 1) turned = orbited(turned, Math.PI / 2, 0);
    turned.rotation.flat().forEach((value, k) => expect(value).toBeCloseTo(IDENTITY.flat()[k] ?? NaN, 12));
    const any = orbited(orbited(view, 0.3, -0.8), 1.1, 0.2).rotation;
    const [a, b, c] = any;
    const transposed = [
      [a[0], b[0], c[0]],
      [a[1], b[1], c[1]],
      [a[2], b[2], c[2]],
    ] as const;
    times(any, transposed).flat().forEach((value, k) => expect(value).toBeCloseTo(IDENTITY.flat()[k] ?? NaN, 12));
  });

  it("turned by a right angle about the vertical puts what was far to the right", () => {
    const turned = orbited(view, Math.PI / 2, 0);
    const at = projected(turned, [5, 2, 8], 400, 300);
    expect(at?.x).toBeCloseTo(200 + 5 * view.scale);
    expect(at?.depth).toBeCloseTo(0);
  });

  it("draws near things larger in perspective, and nothing behind the eye", () => {
    const seen = framed(points, IDENTITY, 400, 300, false);
    const [near, far] = [projected(seen, [6, 2, 0], 400, 300), projected(seen, [6, 2, 6], 400, 300)];
    expect((near?.x ?? 0) - 200).toBeGreaterThan((far?.x ?? 0) - 200);
    expect(projected(seen, [5, 2, 3 - 2 * seen.distance], 400, 300)).toBeNull();
  });

  it("zooms, and has a round scale bar that fits", () => {
    expect(zoomedBy(view, 2).scale).toBeCloseTo(2 * view.scale);
    for (const scale of [0.7, 3, 21, 160]) {
      const length = barLength(scale, 400);
      expect(length * scale).toBeLessThanOrEqual(80.001);
      expect(length * scale).toBeGreaterThan(80 / 2.6);
      expect([1, 2, 5]).toContain(Math.round(length / 10 ** Math.floor(Math.log10(length) + 1e-9)));
    }
  });
});

describe("what a person says of states", () => {
  const say = (state: number, more: Partial<Said>): Said => ({ state, name: "", merged_into: null, hidden: false, ...more });
  const chain = [say(1, { merged_into: 2 }), say(2, { merged_into: 3, name: "open" })];

  it("follows merges to their end", () => {
    expect([1, 2, 3, 4].map((state) => endOf(chain, state))).toEqual([3, 3, 3, 4]);
  });

  it("joins neighbours that are merged and leaves gaps", () => {
    const runs = [
      { start: 0, stop: 4, state: 1 },
      { start: 4, stop: 6, state: 3 },
      { start: 6, stop: 7, state: -1 },
      { start: 7, stop: 9, state: 2 },
      { start: 9, stop: 12, state: 4 },
    ];
    expect(joined(runs, chain)).toEqual([
      { start: 0, stop: 6, state: 3, first: 0, last: 1 },
      { start: 6, stop: 7, state: -1, first: 2, last: 2 },
      { start: 7, stop: 9, state: 3, first: 3, last: 3 },
      { start: 9, stop: 12, state: 4, first: 4, last: 4 },
    ]);
    expect(joined(runs, []).map(({ state }) => state)).toEqual([1, 3, -1, 2, 4]);
  });

  it("offers no merge that would go in a circle", () => {
    expect(hosts(chain, [1, 2, 3, 4], 3)).toEqual([4]);
    expect(hosts(chain, [1, 2, 3, 4], 1)).toEqual([2, 3, 4]);
  });

  it("keeps nothing of a state of which nothing is said", () => {
    expect(saying(chain, 1, { merged_into: null })).toEqual([chain[1]]);
    expect(saying([], 5, { name: "calm" })).toEqual([say(5, { name: "calm" })]);
    expect(saying(chain, 2, { hidden: true })).toEqual([chain[0], { ...chain[1], hidden: true }]);
  });
});

describe("states as runs", () => {
  const runs: Run[] = [
    { start: 0, stop: 10, state: 1 },
    { start: 10, stop: 14, state: 2 },
    { start: 14, stop: 30, state: 1 },
    { start: 40, stop: 50, state: 3 },
  ];

  it("are jumped through bout by bout", () => {
    expect(nextBout(runs, 1, 0)?.start).toBe(14);
    expect(nextBout(runs, 1, 14)?.start).toBe(0);
    expect(nextBout(runs, 9, 0)).toBeNull();
  });

  it("are counted", () => {
    expect(statesOf([...runs, { start: 60, stop: 70, state: -1 }])).toEqual([
      { state: 1, bouts: 2, frames: 26, share: 26 / 40, median: 13 },
      { state: 2, bouts: 1, frames: 4, share: 0.1, median: 4 },
      { state: 3, bouts: 1, frames: 10, share: 0.25, median: 10 },
    ]);
  });

  it("follow one another only where they touch", () => {
    expect(transitions(runs, [1, 2, 3])).toEqual([
      [0, 1, 0],
      [1, 0, 0],
      [0, 0, 0],
    ]);
  });

  it("have a colour by their number, and a hatch from the thirteenth on", () => {
    const colours = Array.from({ length: 12 }, (_, k) => `c${k}`);
    expect(lookOf(1, colours)).toEqual({ colour: "c0", isHatched: false });
    expect(lookOf(13, colours)).toEqual({ colour: "c0", isHatched: true });
  });
});

describe("activity as pictures", () => {
  it("is dark where it is high, and see-through where it is missing", () => {
    const pixels = new Uint8ClampedArray(12);
    greys([0, 254, MISSING], pixels);
    expect([...pixels]).toEqual([255, 255, 255, 255, 1, 1, 1, 255, 0, 0, 0, 0]);
  });

  it("is blue below, white at and red above zero", () => {
    const pixels = new Uint8ClampedArray(16);
    signed([-1, 0, 1, NaN], pixels);
    expect([...pixels.subarray(0, 12)]).toEqual([0, 0, 255, 255, 255, 255, 255, 255, 255, 0, 0, 255]);
    expect(pixels[15]).toBe(0);
  });

  it("is made of tiles", () => {
    expect(tilesOf(300, 256)).toEqual([
      { tx: 0, ty: 0 },
      { tx: 1, ty: 0 },
    ]);
    expect([levelFor(3600, 900), levelFor(100, 900), levelFor(4000, 900)]).toEqual([2, 0, 2]);
  });
});

describe("the queue", () => {
  const job = (recording: string, kind: string, state: string, more: Partial<JobRow> = {}): JobRow => ({
    id: `${recording}-${kind}`,
    recording,
    kind,
    analyses: [],
    state,
    recipe: "standard",
    reason: "",
    share: null,
    rate: null,
    seconds: null,
    error: null,
    result: null,
    ...more,
  });

  it("is a row for a recording and a column for an analysis, in the order of work", () => {
    const table = tableOf([
      job("a", "states", "blocked"),
      job("a", "run", "done", { analyses: ["pupil", "motion"] }),
      job("b", "zebra", "queued"),
      job("b", "probe", "failed"),
    ]);
    expect(table.columns).toEqual(["probe", "motion", "pupil", "states", "zebra"]);
    expect(table.rows.map((row) => [row.recording, [...row.cells.keys()]])).toEqual([
      ["a", ["states", "pupil", "motion"]],
      ["b", ["zebra", "probe"]],
    ]);
  });

  it("speaks the words of the engine", () => {
    expect(cellText(job("a", "svd", "running", { share: 0.419 }))).toBe("running 41 %");
    expect(cellText(job("a", "svd", "failed", { error: { code: "V102" } }))).toBe("failed V102");
    expect(cellText(job("a", "svd", "waiting"))).toBe("waiting");
    expect([canCancel("running"), canCancel("done"), canRetry("failed"), canRetry("queued")]).toEqual([true, false, true, false]);
    expect(summary({ running: 2, queued: 31, failed: 0 })).toBe("2 running, 31 queued");
    expect(summary({})).toBe("no jobs");
  });

  it("is read from a stream, whole messages only", () => {
    const text = 'id: 1\nevent: queue\ndata: {"a":\ndata: 1}\n\n: here\n\ndata: x\n\nevent: queue\nda';
    expect(messages(text)).toEqual({
      messages: [
        { event: "queue", data: '{"a":\n1}' },
        { event: "message", data: "x" },
      ],
      rest: "event: queue\nda",
    });
  });

  it("says how long", () => {
    expect([null, 5.2, 90, 4320].map(lasting)).toEqual(["", "6 s", "2 min", "1 h 12 min"]);
  });
});
