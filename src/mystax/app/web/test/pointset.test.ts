import { describe, expect, it } from "vitest";

import type { LabelSet } from "../src/api.gen";
import {
  added,
  draftOf,
  dropped,
  edited,
  isChanged,
  moved,
  redone,
  stepped,
  stepsOf,
  swapped,
  takenBack,
  toggled,
  undone,
  wantedOf,
  wrongOf,
} from "../src/pointset";

const set = {
  version: 3,
  keypoints: [{ id: "nose", definition: "its tip" }, { id: "left" }, { id: "right" }, { id: "old", retired: true }],
  edges: [["nose", "left"]],
  pairs: [["left", "right"]],
} as unknown as LabelSet;
const draft = draftOf(set);
const names = (of: typeof draft): string[] => of.points.map((one) => one.id);

describe("a set that is edited", () => {
  it("begins as it is on the server", () => {
    expect(isChanged(draft, set)).toBe(false);
    expect(wantedOf(draft).version).toBe(3);
    expect(wantedOf(draft).points[0]).toEqual({ id: "nose", was: "nose", definition: "its tip", retired: false });
    expect(wrongOf(draft)).toBeNull();
  });

  it("takes edges and pairs along when a point gets another name", () => {
    const now = edited(draft, 1, { id: "links" });
    expect([now.edges, now.pairs]).toEqual([[["nose", "links"]], [["links", "right"]]]);
    expect(now.points[1]?.was).toBe("left");
    expect(isChanged(now, set)).toBe(true);
    expect(edited(draft, 9, { id: "x" })).toBe(draft);
  });

  it("takes a retired point out of edges and pairs, not out of the set", () => {
    const now = edited(draft, 1, { retired: true });
    expect([now.edges, now.pairs, names(now)]).toEqual([[], [], names(draft)]);
  });

  it("gets new points with names of their own, which can be dropped again", () => {
    const now = toggled(added(added(draft)), "edges", ["nose", "point_6"]);
    expect(names(now).slice(4)).toEqual(["point_5", "point_6"]);
    expect(names(added({ ...draft, points: [...draft.points, { ...draft.points[0]!, id: "point_6" }] })).pop()).toBe("point_7");
    const less = dropped(now, 5);
    expect([names(less).length, less.edges]).toEqual([5, [["nose", "left"]]]);
    expect(dropped(draft, 0)).toBe(draft);
    expect(dropped(draft, 9)).toBe(draft);
  });

  it("is put in another order", () => {
    expect(names(moved(draft, 0, 1))).toEqual(["left", "nose", "right", "old"]);
    expect(names(moved(moved(draft, 2, -1), 1, 1))).toEqual(names(draft));
    expect(moved(draft, 0, -1)).toBe(draft);
    expect(moved(draft, 3, 1)).toBe(draft);
  });

  it("joins two points, whichever comes first, and parts them again", () => {
    const now = toggled(draft, "edges", ["right", "nose"]);
    expect(now.edges).toEqual([["nose", "left"], ["right", "nose"]]);
    expect(toggled(now, "edges", ["nose", "right"]).edges).toEqual([["nose", "left"]]);
    expect(toggled(draft, "pairs", ["right", "left"]).pairs).toEqual([]);
    expect(toggled(draft, "edges", ["nose", "nose"])).toBe(draft);
  });

  it("says what is wrong before the server does", () => {
    expect(wrongOf(edited(draft, 0, { id: "no se" }))).toContain("cannot be used");
    expect(wrongOf(edited(draft, 0, { id: "LEFT" }))).toContain("twice");
    expect(wrongOf(toggled(draft, "pairs", ["left", "nose"]))).toBe('"left" stands in two pairs');
    const all = draft.points.reduce((now, _, k) => edited(now, k, { retired: true }), draft);
    expect(wrongOf(all)).toBe("every point is retired");
  });
});

describe("two points that exchange their names", () => {
  it("keep everything else", () => {
    const now = swapped(draft, "left", "nose");
    expect(names(now)).toEqual(["left", "nose", "right", "old"]);
    expect(now.points.map((one) => one.was)).toEqual(["nose", "left", "right", "old"]);
    expect(now.points[0]?.definition).toBe("its tip");
    expect([now.edges, now.pairs]).toEqual([[["left", "nose"]], [["nose", "right"]]]);
    expect(wrongOf(now)).toBeNull();
    expect(wantedOf(now).points.slice(0, 2).map(({ id, was }) => [id, was])).toEqual([["left", "nose"], ["nose", "left"]]);
  });

  it("are as before when they do it twice", () => {
    expect(isChanged(swapped(swapped(draft, "left", "right"), "right", "left"), set)).toBe(false);
    expect(swapped(draft, "left", "left")).toBe(draft);
  });
});

describe("edits of the points", () => {
  const one = edited(draft, 0, { id: "n" });
  const two = edited(one, 0, { id: "no" });
  const three = toggled(two, "edges", ["no", "right"]);

  it("are taken back one by one and done again", () => {
    const steps = stepped(stepped(stepsOf(draft), two, "name 0"), three);
    const back = undone(steps);
    expect([back.now, undone(back).now]).toEqual([two, draft]);
    expect(redone(redone(undone(back))).now).toBe(three);
    expect(undone(stepsOf(draft)).now).toBe(draft);
    expect(redone(steps)).toBe(steps);
  });

  it("of one field are one step, of two fields are two", () => {
    const typed = stepped(stepped(stepsOf(draft), one, "name 0"), two, "name 0");
    expect([typed.done.length, undone(typed).now]).toEqual([1, draft]);
    const other = stepped(typed, edited(two, 1, { id: "l" }), "name 1");
    expect(other.done.length).toBe(2);
    const joined = stepped(stepped(stepsOf(draft), three), toggled(three, "edges", ["no", "left"]));
    expect(joined.done.length).toBe(2);
  });

  it("that change nothing are no step, and a new one ends what can be done again", () => {
    const steps = stepsOf(draft);
    expect(stepped(steps, draft, "name 0")).toBe(steps);
    expect(stepped(undone(stepped(steps, one)), two).undone).toEqual([]);
  });
});

describe("a saved edit that is taken back", () => {
  it("gives every point its old name, place and joins", () => {
    const after = moved(edited(swapped(draft, "left", "right"), 0, { id: "snout" }), 0, 1);
    const back = takenBack(draft, after, 4);
    expect(back.version).toBe(4);
    expect(names(back)).toEqual(names(draft));
    expect(back.points.map((one) => one.was)).toEqual(["snout", "right", "left", "old"]);
    expect([back.edges, back.pairs]).toEqual([draft.edges, draft.pairs]);
  });

  it("retires the points that came with it, and brings back those that went", () => {
    const back = takenBack(draft, edited(added(draft), 1, { retired: true }), 4);
    expect(back.points.map(({ id, was, retired }) => [id, was, retired])).toEqual([
      ["nose", "nose", false],
      ["left", "left", false],
      ["right", "right", false],
      ["old", "old", true],
      ["point_5", "point_5", true],
    ]);
    expect(back.edges).toEqual([["nose", "left"]]);
  });
});
