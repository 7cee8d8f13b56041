import { describe, expect, it } from "vitest";

import {
  between,
  bounds,
  contains,
  copied,
  dragged,
  entriesOf,
  freeName,
  grown,
  handleAt,
  handles,
  held,
  moved,
  outline,
  pupilFor,
  readRegion,
  retyped,
  rounded,
  spread,
  tidy,
  typed,
  whole,
  writeRegion,
  type Ellipse,
  type Polygon,
  type Rectangle,
  type Region,
} from "../src/roi";

const rectangle: Rectangle = { form: "rectangle", x: 10, y: 20, w: 30, h: 40 };
const ellipse: Ellipse = { form: "ellipse", cx: 50, cy: 60, rx: 20, ry: 10, angle: 0 };
const polygon: Polygon = {
  form: "polygon",
  points: [
    { x: 0, y: 0 },
    { x: 10, y: 0 },
    { x: 0, y: 10 },
  ],
};

describe("entries of a rois.toml", () => {
  const entries = [
    { name: "p", kind: "pupil", camera: "left", ellipse: [203, 66, 23.04, 18.72, 5], source: "drawn", reflections: [] },
    { name: "w", kind: "running", rectangle: [40, 196, 240, 44] },
    { name: "m", kind: "motion", camera: "right", polygon: [[1, 2], [3, 4], [5.5, 6]], scale: 0.1 },
  ];

  it.each(entries)("come back as they were: $name", (entry) => {
    const region = readRegion(entry);
    expect(region).not.toBeNull();
    if (region !== null) expect(writeRegion(region)).toEqual(entry);
  });

  it("are left alone where kind or shape are not known", () => {
    expect(readRegion({ name: "x", kind: "tail", rectangle: [0, 0, 1, 1] })).toBeNull();
    expect(readRegion({ name: "x", kind: "pupil", star: [1] })).toBeNull();
  });
});

describe("reflections of a pupil", () => {
  const entries = [
    { name: "left", kind: "pupil", ellipse: [50, 60, 20, 10, 0], reflections: [{ ellipse: [45, 58, 4, 4, 0] }, { rectangle: [52, 61, 3, 3] }], source: "drawn" },
    { name: "right", kind: "pupil", ellipse: [150, 60, 20, 10, 0], source: "drawn" },
    { name: "pad", kind: "motion", polygon: [[1, 2], [3, 4], [5.5, 6]] },
  ];
  const regions = spread(entries.flatMap((entry) => readRegion(entry) ?? []));

  it("are regions of their own while they are drawn, and parts of their pupil in the file", () => {
    expect(regions.map(({ name, kind, of }) => [name, kind, of])).toEqual([
      ["left", "pupil", undefined],
      ["left_reflection", "reflection", "left"],
      ["left_reflection_2", "reflection", "left"],
      ["right", "pupil", undefined],
      ["pad", "motion", undefined],
    ]);
    expect(regions[1]?.shape).toEqual({ form: "ellipse", cx: 45, cy: 58, rx: 4, ry: 4, angle: 0 });
    expect(entriesOf(regions)).toEqual(entries);
  });

  it("are measured with their pupil, and gone when all are taken away", () => {
    const [left, first] = regions as readonly [Region, Region];
    expect(whole(left, regions).rest["reflections"]).toEqual(entries[0]?.reflections);
    const moved_ = regions.map((one) => (one === first ? { ...one, shape: moved(one.shape, 2, 0) } : one));
    expect(entriesOf(moved_)[0]).toMatchObject({ reflections: [{ ellipse: [47, 58, 4, 4, 0] }, { rectangle: [52, 61, 3, 3] }] });
    expect(entriesOf(regions.filter((one) => one.of === undefined))[0]).not.toHaveProperty("reflections");
  });

  it("belong to the chosen pupil, else to that around them, else to the last one", () => {
    const spot = (cx: number): Ellipse => ({ form: "ellipse", cx, cy: 60, rx: 3, ry: 3, angle: 0 });
    expect(pupilFor(spot(150), regions, "left")?.name).toBe("left");
    expect(pupilFor(spot(52), regions, "pad")?.name).toBe("left");
    expect(pupilFor(spot(400), regions, null)?.name).toBe("right");
    expect(pupilFor(spot(52), regions.slice(4), null)).toBeUndefined();
  });
});

describe("a rectangle", () => {
  it("goes around its pixels", () => {
    expect(bounds(rectangle)).toEqual({ left: 9.5, top: 19.5, right: 39.5, bottom: 59.5 });
  });

  it("holds the centres of its pixels and of no others", () => {
    const inside = [];
    for (let x = 8; x < 14; x += 1) if (contains(rectangle, { x, y: 25 })) inside.push(x);
    expect(inside).toEqual([10, 11, 12, 13]);
    expect(contains(rectangle, { x: 39, y: 59 })).toBe(true);
    expect(contains(rectangle, { x: 40, y: 59 })).toBe(false);
  });

  it.each([
    ["nw", { x: 4.5, y: 9.5 }, { x: 5, y: 10, w: 35, h: 50 }],
    ["se", { x: 19.5, y: 29.5 }, { x: 10, y: 20, w: 10, h: 10 }],
    ["e", { x: 49.5, y: 0 }, { x: 10, y: 20, w: 40, h: 40 }],
    ["s", { x: 0, y: 69.5 }, { x: 10, y: 20, w: 30, h: 50 }],
    ["w", { x: 100, y: 0 }, { x: 38, y: 20, w: 2, h: 40 }],
    ["n", { x: 0, y: 100 }, { x: 10, y: 58, w: 30, h: 2 }],
  ])("is resized by its handle %s", (id, to, expected) => {
    expect(dragged(rectangle, id, to)).toEqual({ form: "rectangle", ...expected });
  });

  it("has eight handles on its outline", () => {
    expect(handles(rectangle)).toHaveLength(8);
    expect(handleAt(rectangle, { x: 39, y: 59 }, 3)).toBe("se");
    expect(handleAt(rectangle, { x: 25, y: 40 }, 3)).toBeNull();
  });
});

describe("an ellipse", () => {
  it("has its outline where its equation says", () => {
    for (const { x, y } of outline(ellipse)) expect(((x - 50) / 20) ** 2 + ((y - 60) / 10) ** 2).toBeCloseTo(1, 10);
  });

  it("is turned from x to y", () => {
    const turned = dragged(ellipse, "turn", { x: 50, y: 90 });
    expect(turned).toMatchObject({ angle: 90 });
    expect(contains(turned, { x: 50, y: 78 })).toBe(true);
    expect(contains(ellipse, { x: 50, y: 78 })).toBe(false);
    expect(handles(turned)[0]?.at.y).toBeCloseTo(80);
  });

  it("is widened by its sides, measured along its own axes", () => {
    expect(dragged(ellipse, "e", { x: 80, y: 65 })).toMatchObject({ rx: 30, ry: 10 });
    expect(dragged(ellipse, "n", { x: 50, y: 35 })).toMatchObject({ rx: 20, ry: 25 });
    expect(dragged(ellipse, "w", { x: 50, y: 60 })).toMatchObject({ rx: 2 });
  });
});

describe("a polygon", () => {
  it("holds what is on the inner side of its edges", () => {
    expect(contains(polygon, { x: 2, y: 2 })).toBe(true);
    expect(contains(polygon, { x: 8, y: 8 })).toBe(false);
  });

  it("is changed corner by corner", () => {
    expect(dragged(polygon, "1", { x: 20, y: 1 })).toEqual({
      form: "polygon",
      points: [
        { x: 0, y: 0 },
        { x: 20, y: 1 },
        { x: 0, y: 10 },
      ],
    });
    expect(handles(polygon).map(({ id }) => id)).toEqual(["0", "1", "2"]);
  });
});

describe("all shapes", () => {
  it.each([rectangle, ellipse, polygon])("move by what they are moved: $form", (shape) => {
    const [a, b] = [bounds(shape), bounds(moved(shape, 3, -2))];
    expect(b.left - a.left).toBeCloseTo(3);
    expect(b.bottom - a.bottom).toBeCloseTo(-2);
  });

  it.each([rectangle, ellipse, polygon])("are held in the picture: $form", (shape) => {
    for (const [dx, dy] of [[-500, 0], [500, 500], [0, -500]] as const) {
      const { left, top, right, bottom } = bounds(held(moved(shape, dx, dy), 100, 100));
      expect(left).toBeGreaterThanOrEqual(-1);
      expect(top).toBeGreaterThanOrEqual(-1);
      expect(right).toBeLessThanOrEqual(100);
      expect(bottom).toBeLessThanOrEqual(100);
    }
    expect(held(shape, 1000, 1000)).toBe(moved(shape, 0, 0) === shape ? shape : held(shape, 1000, 1000));
  });

  it.each([rectangle, ellipse, polygon])("grow about their place: $form", (shape) => {
    const [a, b] = [bounds(shape), bounds(grown(shape, 2, 0))];
    expect(b.right - b.left).toBeGreaterThan(a.right - a.left);
    expect(b.bottom - b.top).toBeCloseTo(a.bottom - a.top);
  });

  it.each(["rectangle", "ellipse", "polygon"] as const)("are drawn in any direction: %s", (form) => {
    const there = between(form, { x: 10, y: 10 }, { x: 30, y: 20 });
    expect(between(form, { x: 30, y: 20 }, { x: 10, y: 10 })).toEqual(there);
    expect(contains(there, { x: 20, y: 15 })).toBe(true);
  });

  it.each([rectangle, ellipse, polygon])("are typed number by number: $form", (shape) => {
    const numbers = typed(shape);
    numbers.forEach(({ value }, k) => expect(retyped(shape, k, value)).toEqual(shape));
    numbers.forEach((_, k) => {
      const again = retyped(shape, k, 7);
      expect(again === null ? null : typed(again)[k]?.value).toBe(7);
    });
  });

  it("refuse numbers that they cannot have", () => {
    expect(retyped(rectangle, 2, 1)).toBeNull();
    expect(retyped(ellipse, 3, -4)).toBeNull();
    expect(retyped(ellipse, 0, NaN)).toBeNull();
    expect(retyped(rectangle, 9, 5)).toBeNull();
    expect(retyped(ellipse, 9, 5)).toBeNull();
  });

  it("keep hundredths of a pixel", () => {
    expect(tidy({ ...ellipse, cx: 1.23456 })).toMatchObject({ cx: 1.23 });
    expect(tidy({ form: "polygon", points: [{ x: 0.005, y: 2.999 }] })).toEqual({ form: "polygon", points: [{ x: 0.01, y: 3 }] });
    expect(tidy(rectangle)).toEqual(rectangle);
    expect(rounded(2.345, 1)).toBe(2.3);
  });

  it("get a name that is free", () => {
    expect(freeName([], "pupil", "left")).toBe("left_pupil");
    expect(freeName(["pupil", "pupil_2"], "pupil", "")).toBe("pupil_3");
  });
});

describe("a region that is copied to another camera", () => {
  const region = {
    name: "left_pupil",
    kind: "pupil" as const,
    camera: "left",
    shape: ellipse,
    rest: { reflections: [{ ellipse: [50, 60, 2, 2, 0] }], scale: 0.1, source: "proposed", confidence: 0.4, frame_size: [320, 240], mine: 1 },
  };

  it("keeps its kind and place, and gets a name of its own", () => {
    const made = copied(region, { name: "right", width: 320, height: 240 }, ["left_pupil", "right_pupil"]);
    expect([made.name, made.kind, made.camera, made.shape]).toEqual(["right_pupil_2", "pupil", "right", ellipse]);
  });

  it("leaves behind what belongs to its view", () => {
    const made = copied(region, { name: "right", width: 640, height: 480 }, []);
    expect(made.rest).toEqual({ source: "drawn", frame_size: [640, 480], mine: 1 });
  });

  it("is moved into a smaller picture", () => {
    const made = copied(region, { name: "right", width: 60, height: 50 }, []);
    const { left, top, right, bottom } = bounds(made.shape);
    expect(Math.min(left, top)).toBeGreaterThanOrEqual(-0.5);
    expect([right <= 59.5, bottom <= 49.5]).toEqual([true, true]);
  });
});
