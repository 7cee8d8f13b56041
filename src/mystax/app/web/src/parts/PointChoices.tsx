/** Which keypoints are drawn on the pictures: of which outcome, beside which other one, with what trail. */

import { signal } from "@preact/signals";

import type { CameraInfo, RecordingInfo } from "../api.gen";
import { poseFolders, poseOf, posesOf } from "../pose";
import { compared, comparedOf } from "./compared";
import type { Overlay } from "./FramePanel";
import { keypointsOf } from "./overlays";

export const hasPoints = signal(true);
/** The folder of outcomes whose points are drawn, and one whose points are drawn hollow beside them. */
export const shownFolder = signal<string | null>(null);
const besideFolder = signal<string | null>(null);
/** Frames before and after the shown one through which the way of each point is drawn. */
const trail = signal(0);
const MOST_TRAIL = 30;

/** Which points are drawn, which beside them, and how far their way. */
export function PointChoices({ recording }: { readonly recording: RecordingInfo }) {
  const folders = poseFolders(recording);
  const first = shownFolder.value ?? folders[0] ?? "";
  return (
    <>
      {folders.length > 1 && (
        <>
          <label class="choice">
            <span>keypoints of</span>
            <select value={first} onChange={(event) => (shownFolder.value = event.currentTarget.value)}>
              {folders.map((one) => (
                <option key={one}>{one}</option>
              ))}
            </select>
          </label>
          <label class="choice">
            <span>beside them, hollow</span>
            <select value={besideFolder.value ?? ""} onChange={(event) => (besideFolder.value = event.currentTarget.value || null)}>
              <option value="">none</option>
              {folders.filter((one) => one !== first).map((one) => (
                <option key={one}>{one}</option>
              ))}
            </select>
          </label>
        </>
      )}
      <label class="row">
        <span>trail</span>
        <input
          type="range"
          min={0}
          max={MOST_TRAIL}
          step={1}
          value={trail.value}
          aria-valuetext={trail.value === 0 ? "off" : `${trail.value} frames before and after`}
          onInput={(event) => (trail.value = event.currentTarget.valueAsNumber)}
        />
        <output class="number">{trail.value === 0 ? "off" : `±${trail.value}`}</output>
      </label>
    </>
  );
}

/** What the marks of a comparison mean. */
export function ComparedKey() {
  const shown = compared.value;
  if (shown === null) return null;
  return (
    <fieldset class="display">
      <legend>comparison</legend>
      <p class="help">
        On its worst frames: × label, filled {shown.found.names[0]}, hollow {shown.found.names[1]}.
      </p>
      <div class="buttons">
        <a href="#s=models">errors side by side</a>
        <button type="button" onClick={() => (compared.value = null)}>
          close
        </button>
      </div>
    </fieldset>
  );
}

/** What is drawn on a camera: a comparison on its frames, else the chosen points and those beside them. */
export function overlaysOf(recording: RecordingInfo, camera: CameraInfo): readonly Overlay[] {
  const shown = compared.value;
  const pose = poseOf(recording, camera.name, shownFolder.value);
  const other = posesOf(recording, camera.name).find((one) => one.folder === besideFolder.value && one !== pose);
  const isCompared = shown !== null && shown.recording === recording.id;
  const points = pose === null || !hasPoints.value ? [] : [keypointsOf(pose.id, { trail: trail.value })];
  const beside = other === undefined || !hasPoints.value ? [] : [keypointsOf(other.id, { isHollow: true })];
  if (!isCompared) return [...beside, ...points];
  const isOf = (frame: number): boolean => shown.found.worst.some((one) => one.frame === frame && camera.files.includes(one.file));
  const plain = [...beside, ...points].map((draw): Overlay => (paint) => void (!isOf(paint.frame) && draw(paint)));
  return [...plain, comparedOf(camera, shown)];
}
