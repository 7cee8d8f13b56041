import { describe, expect, it } from "vitest";

import { frameTimes } from "../src/clock";
import { changed, fieldOf, fieldsOf, sentOf, textOf, valueOf } from "../src/forms";
import { actionsOf, choose, chord, isKept, KEYS, keyText, shown, type Pressed } from "../src/keys";
import { corners, isLow, markersOf, opacity, partOf } from "../src/markers";
import { binned, gapsOf } from "../src/marks";
import { detailOf, refusedField } from "../src/refusal";
import { ended, idle, wanted, type Newest } from "../src/newest";

const press = (key: string, held: Partial<Pressed> = {}): Pressed => ({
  key,
  ctrlKey: false,
  metaKey: false,
  shiftKey: false,
  altKey: false,
  ...held,
});

const held = (keys: string): Partial<Pressed> => ({
  ctrlKey: keys.includes("Ctrl+"),
  altKey: keys.includes("Alt+"),
  shiftKey: keys.includes("Shift+"),
});

describe("keys", () => {
  it("are written once for one place", () => {
    for (const one of KEYS) for (const other of KEYS) {
      if (one === other || one.group !== other.group) continue;
      expect(one.keys.filter((text) => other.keys.includes(text)), `${one.action} ${other.action}`).toEqual([]);
    }
  });

  it.each([
    [press("ArrowLeft"), "ArrowLeft"],
    [press("ArrowLeft", { shiftKey: true }), "Shift+ArrowLeft"],
    [press("Z", { ctrlKey: true, shiftKey: true }), "Ctrl+Shift+z"],
    [press("z", { metaKey: true }), "Ctrl+z"],
    [press("?", { shiftKey: true }), "?"],
    [press(" "), "Space"],
    [press("ArrowUp", { altKey: true }), "Alt+ArrowUp"],
  ])("are read as the table writes them", (pressed, text) => {
    expect(chord(pressed)).toBe(text);
  });

  it("stand on the buttons that do the same", () => {
    expect([keyText("accept"), keyText("invisible"), keyText("redo"), keyText("back")]).toEqual(["Enter", "V", "Ctrl Shift Z", "←"]);
    for (const one of KEYS) expect(actionsOf(press(one.keys[0]?.split("+").pop() ?? "", held(one.keys[0] ?? "")))).toContain(one.action);
  });

  it("mean what somebody is there for", () => {
    expect(actionsOf(press("Delete"))).toEqual(["absent", "remove"]);
    expect(choose(press("Delete"), (action) => action === "remove")).toBe("remove");
    expect(choose(press("q"), () => true)).toBeNull();
    expect(choose(press("ArrowLeft", { altKey: true, shiftKey: true }), (action) => action === "fineLeft")).toBe("fineLeft");
  });

  it("are left to the field, the button or the slider that has the focus", () => {
    expect(isKept("INPUT", "text", press("r"))).toBe(true);
    expect(isKept("INPUT", "range", press("ArrowLeft"))).toBe(true);
    expect(isKept("SELECT", "", press("ArrowLeft"))).toBe(true);
    expect(isKept("INPUT", "text", press("k", { ctrlKey: true }))).toBe(false);
    expect(isKept("INPUT", "text", press("Escape"))).toBe(false);
    expect(isKept("BUTTON", "", press(" "))).toBe(true);
    expect(isKept("INPUT", "checkbox", press(" "))).toBe(true);
    expect(isKept("BUTTON", "", press("ArrowLeft"))).toBe(false);
    expect(isKept("BODY", "", press(" "))).toBe(false);
  });

  it("are shown to people with signs", () => {
    expect(shown("Shift+ArrowLeft")).toBe("Shift ←");
    expect(shown("Ctrl+k")).toBe("Ctrl K");
  });
});

describe("parameters that are sent", () => {
  const sigma = fieldOf("sigma", { default: 2.0, range: "0 < sigma <= 6" });
  const refusal = {
    code: "P401",
    where: "parameter 'sigma' of 'pupil'",
    what: "",
    expected: "0 < sigma <= 6",
    got: "7",
    hint: "",
  };

  it.each([
    ["3.5", 3.5],
    ["7", 7],
    ["-1", -1],
    ["many", "many"],
    ["", ""],
  ])("are what was typed, also where it cannot be: %s", (text, sent) => {
    expect(sentOf(sigma, text)).toBe(sent);
  });

  it("keep the words of a refusal for the field that it names", () => {
    const words = "P401 expected 0 < sigma <= 6, got 7";
    expect(refusedField(refusal)).toEqual({ analysis: "pupil", name: "sigma", words });
    const both = refusedField({ ...refusal, what: "it is out of range" });
    expect(both?.words).toBe("P401 it is out of range; expected 0 < sigma <= 6, got 7");
    const unknown = { ...refusal, what: "there is no such parameter; did you mean 'sigma'?", expected: "", got: "" };
    expect(refusedField(unknown)?.words).toBe("P401 there is no such parameter; did you mean 'sigma'?");
  });

  it("are said with what was expected and what came", () => {
    expect(detailOf(refusal)).toBe("expected 0 < sigma <= 6, got 7");
    expect(detailOf({ what: "broken", expected: "", got: "7" })).toBe("broken");
    expect(detailOf({ what: "broken", expected: "a file", got: "" })).toBe("broken; expected a file");
  });

  it("leave a refusal of something else alone", () => {
    expect(refusedField({ ...refusal, where: "roi 'left'" })).toBeNull();
    expect(refusedField({ ...refusal, where: "the parameter 'sigma' of 'pupil'" })).toBeNull();
  });
});

describe("forms of parameters", () => {
  const number = fieldOf("sigma", { default: 2.0, range: "0 < sigma <= 6", unit: "sd", help: "Far pixels." });
  const either = fieldOf("bin", { default: "auto", range: "'auto' or 1 <= bin <= 32", unit: "px", help: "" });
  const words = fieldOf("method", { default: "rim", range: "'rim' or 'moments'" });
  const none = fieldOf("direction", { default: null, range: "-180 <= direction <= 180 or none" });
  const large = fieldOf("seed", { default: 0, range: "0 <= seed <= 2.14748e+09" });
  const check = fieldOf("with_motion", { default: true, range: "true or false" });
  const text = fieldOf("weights", { default: "mouse-face", range: "a text" });

  it("read their ranges", () => {
    expect([number.low, number.high]).toEqual([0, 6]);
    expect([none.low, none.high]).toEqual([-180, 180]);
    expect(large.high).toBe(2.14748e9);
    expect(words.words).toEqual(["rim", "moments"]);
    expect(check.isSwitch).toBe(true);
  });

  it.each([
    [number, "3.5", 3.5],
    [number, "7", undefined],
    [number, "x", undefined],
    [number, "", undefined],
    [either, "auto", "auto"],
    [either, "8", 8],
    [either, "40", undefined],
    [words, "rim", "rim"],
    [words, "other", undefined],
    [none, "none", null],
    [none, "-90", -90],
    [check, "true", true],
    [check, "false", false],
    [check, "maybe", undefined],
    [text, " my.onnx ", "my.onnx"],
    [text, " ", undefined],
  ])("take what a field can have", (field, typed, value) => {
    expect(valueOf(field, typed)).toBe(value);
  });

  it("send only what was changed", () => {
    const fields = fieldsOf({ a: { default: 1, range: "0 <= a <= 2" }, b: { default: "x", range: "a text" }, c: null });
    expect(changed(fields, { a: 1, b: "y" })).toEqual({ b: "y" });
    expect(textOf(null)).toBe("none");
    expect(textOf(2)).toBe("2");
  });
});

describe("keypoints", () => {
  it("have hue and shape by their part", () => {
    expect(partOf("left.eye_front")).toEqual(["eye", "circle"]);
    expect(partOf("lower_lip")).toEqual(["mouth", "diamond"]);
    expect(partOf("paw")).toEqual(["other", "hexagon"]);
    const [a, b, c] = markersOf(["whisker_I", "whisker_II", "nose_tip"]);
    expect(a?.figure).toBe("triangle");
    expect(a?.colour).not.toBe(b?.colour);
    expect(c?.figure).toBe("square");
  });

  it("are fainter where they are less sure, and dashed below the value", () => {
    expect(opacity(1)).toBe(1);
    expect(opacity(0)).toBe(0.25);
    expect(opacity(NaN)).toBe(0.25);
    expect([isLow(0.5), isLow(0.49), isLow(NaN)]).toEqual([false, true, true]);
  });

  it("have as many corners as their figure", () => {
    expect(corners("circle", 5)).toEqual([]);
    expect(corners("triangle", 5)).toHaveLength(3);
    for (const [x, y] of corners("hexagon", 5)) expect(Math.hypot(x, y)).toBeCloseTo(5);
  });
});

describe("marks of the seek bar", () => {
  it("show the gaps of a clock", () => {
    const times = Float64Array.from([0, 0.1, 0.2, 0.3, 1.3, 1.4, NaN, 1.5]);
    const gaps = gapsOf(frameTimes(times));
    expect(gaps).toHaveLength(1);
    expect([gaps[0]?.start, gaps[0]?.stop]).toEqual([0.3, 1.3]);
  });

  it("are counted together in one pixel, by kind", () => {
    const mark = (kind: "gap" | "labelled", start: number) => ({ kind, start, stop: start, count: 1, text: "" });
    const marks = [mark("labelled", 1), mark("labelled", 1.5), mark("labelled", 90), mark("gap", 1.2), mark("gap", 200)];
    const found = binned(marks, 0, 100, 50);
    expect(found.map(({ kind, count }) => [kind, count])).toEqual([
      ["labelled", 2],
      ["gap", 1],
      ["labelled", 1],
    ]);
    expect(binned(marks, 5, 5, 50)).toEqual([]);
  });
});

describe("requests of which the newest counts", () => {
  it("never show an older answer after a newer one, and end with the last wish", () => {
    let seed = 7;
    const random = (): number => {
      seed = (seed * 1103515245 + 12345) % 2147483648;
      return seed / 2147483648;
    };
    for (let round = 0; round < 500; round += 1) {
      let state: Newest<number> = idle;
      const asked = new Map<number, number>();
      let last = -1;
      let shown = 0;
      let wish = 0;
      const flying: number[] = [];
      const take = (next: ReturnType<typeof wanted<number>>): void => {
        state = next.state;
        if (next.send !== undefined) {
          asked.set(next.send.seq, next.send.wish);
          flying.push(next.send.seq);
        }
      };
      for (let k = 0; k < 20 || flying.length > 0; k += 1) {
        if (k < 20 && random() < 0.6) take(wanted(state, (wish += 1)));
        else {
          const seq = flying.shift();
          if (seq === undefined) continue;
          const next = ended(state, seq, true);
          if (next.isShown === true) {
            expect(seq).toBeGreaterThan(shown);
            shown = seq;
            last = asked.get(seq) ?? -1;
          }
          take(next);
        }
      }
      if (wish > 0) expect(last).toBe(wish);
    }
  });

  it("go on after one that failed", () => {
    const first = wanted(idle as Newest<string>, "a");
    const second = wanted(first.state, "b");
    expect(second.send).toBeUndefined();
    const after = ended(second.state, 1, false);
    expect(after.isShown).toBe(false);
    expect(after.send).toEqual({ seq: 2, wish: "b" });
  });
});
