/** Which outcome says where the points of a camera are. */

import type { OutcomeInfo, RecordingInfo } from "./api.gen";

/** The predicted points of a camera, the newest first. */
export function posesOf(recording: RecordingInfo, camera: string): readonly OutcomeInfo[] {
  const all = recording.outcomes.filter((one) => one.analysis === "pose");
  const own = all.filter((one) => one.camera === camera);
  return recording.cameras.length === 1 ? [...own, ...all.filter((one) => one.camera === "")] : own;
}

/** The points that are drawn: those of the wished folder where it has some, else the newest. */
export function poseOf(recording: RecordingInfo, camera: string, folder: string | null = null): OutcomeInfo | null {
  const found = posesOf(recording, camera);
  return found.find((one) => one.folder === folder) ?? found[0] ?? null;
}

/** The folders that hold points of any camera of the recording. */
export const poseFolders = (recording: RecordingInfo): readonly string[] => [
  ...new Set(recording.outcomes.filter((one) => one.analysis === "pose").map((one) => one.folder)),
];
