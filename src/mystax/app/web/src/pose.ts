/** Which outcome says where the points of a camera are. */

import type { OutcomeInfo, RecordingInfo } from "./api.gen";

/** The predicted points of a camera. */
export function poseOf(recording: RecordingInfo, camera: string): OutcomeInfo | null {
  const all = recording.outcomes.filter((one) => one.analysis === "pose");
  return all.find((one) => one.camera === camera) ?? all.find((one) => one.camera === "" && recording.cameras.length === 1) ?? null;
}
