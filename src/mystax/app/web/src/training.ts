/** What came of a training: the report of its job in words. */

import type { JobRow } from "./api.gen";

export interface TrainingResult {
  /** Name of the weights. */
  readonly name: string;
  readonly isAccepted: boolean;
  readonly text: string;
}

const fileName = (path: string): string => (path.split(/[/\\]/).pop() ?? path).replace(/\.onnx$/, "");

/** Read the report of a job; null where it has none. */
export function resultOf(job: JobRow): TrainingResult | null {
  const found = job.result as Readonly<Record<string, unknown>> | null;
  const weights = found?.["weights"];
  if (found === null || typeof weights !== "string") return null;
  const number = (name: string): string | null => (typeof found[name] === "number" ? found[name].toFixed(2) : null);
  const [after, before] = [number("held_out_error"), number("base_error")];
  const isAccepted = found["accepted"] === true;
  const reasons = Array.isArray(found["reasons"]) ? found["reasons"].join("; ") : "";
  const measured = after === null ? "No frame could be held out." : `Error on held-out frames: ${after} px@256${before === null ? "" : `, ${before} before`}.`;
  const end = isAccepted ? "The new weights are there." : `The old weights stay: ${reasons}.`;
  return { name: fileName(weights), isAccepted, text: `${measured} ${end}` };
}
