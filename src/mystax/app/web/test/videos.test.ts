import { describe, expect, it } from "vitest";

import type { VideosFound } from "../src/api.gen";
import { addedText, below, crumbs, foundText, toWrite } from "../src/videos";

const found = (more: Partial<VideosFound>): VideosFound => ({
  job: null,
  recordings: [],
  n_videos: 0,
  added: 0,
  changed: 0,
  unchanged: 0,
  left_out: [],
  refused: [],
  ...more,
});

describe("the way to a folder", () => {
  it("names each folder on it", () => {
    expect(crumbs("lab", "")).toEqual([{ name: "lab", path: "" }]);
    expect(crumbs("lab", "m1/day2")).toEqual([
      { name: "lab", path: "" },
      { name: "m1", path: "m1" },
      { name: "day2", path: "m1/day2" },
    ]);
  });

  it("goes down one folder at a time", () => {
    expect(below("", "m1")).toBe("m1");
    expect(below("m1", "day2")).toBe("m1/day2");
    const end = crumbs("lab", below(below("", "m1"), "day2"));
    expect(end[end.length - 1]?.path).toBe("m1/day2");
  });
});

describe("what was found", () => {
  it("counts what would be written", () => {
    const some = found({ n_videos: 1203, added: 2, changed: 1, unchanged: 400 });
    expect(toWrite(some)).toBe(3);
    expect(foundText(some)).toBe("1,203 videos in 403 recordings: 2 new, 1 changed, 400 already there");
  });

  it("says so where there is nothing", () => {
    expect(foundText(found({}))).toBe("0 videos in 0 recordings");
    expect(foundText(found({ n_videos: 1, unchanged: 1 }))).toBe("1 video in 1 recording: 1 already there");
  });

  it("is told again when it is written", () => {
    expect(addedText({ added: 1, changed: 0, refused: [] })).toBe("1 recording added, 0 changed");
    expect(addedText({ added: 3, changed: 2, refused: ["P404", "P403"] })).toBe("3 recordings added, 2 changed, 2 refused");
    expect(addedText(null)).toBe("0 recordings added, 0 changed");
  });
});
