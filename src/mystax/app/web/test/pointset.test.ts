import { describe, expect, it } from "vitest";

import type { LabelSet } from "../src/api.gen";
import { added, draftOf, dropped, edited, isChanged, moved, toggled, wantedOf, wrongOf } from "../src/pointset";

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
