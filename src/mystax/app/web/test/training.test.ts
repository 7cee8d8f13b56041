import { describe, expect, it } from "vitest";

import type { JobRow } from "../src/api.gen";
import { resultOf } from "../src/training";

const job = (result: JobRow["result"]): JobRow => ({
  id: "t1", recording: "face", kind: "train", recipe: "mine", analyses: [], state: "done", reason: "", share: 1, rate: null, seconds: 9, error: null, result,
});

describe("the report of a training", () => {
  it("says what was measured before and after", () => {
    expect(resultOf(job({ weights: "/home/ann/mine.onnx", accepted: true, reasons: [], held_out_error: 3.456, base_error: 5 }))).toEqual({
      name: "mine",
      isAccepted: true,
      text: "Error on held-out frames: 3.46 px@256, 5.00 before. The new weights are there.",
    });
  });

  it("says why weights were rejected", () => {
    const found = resultOf(job({ weights: "C:\\w\\mine.rejected.onnx", accepted: false, reasons: ["worse", "forgets"], held_out_error: 6 }));
    expect([found?.name, found?.isAccepted]).toEqual(["mine.rejected", false]);
    expect(found?.text).toBe("Error on held-out frames: 6.00 px@256. The old weights stay: worse; forgets.");
  });

  it("is none before the end, and knows when nothing was measured", () => {
    expect(resultOf(job(null))).toBeNull();
    expect(resultOf(job({ accepted: true }))).toBeNull();
    expect(resultOf(job({ weights: "mine.onnx", accepted: true }))?.text).toBe("No frame could be held out. The new weights are there.");
  });
});
