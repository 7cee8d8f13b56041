/** A recording without labels: make its first set. */

import { useState } from "preact/hooks";

import * as api from "../../api";
import type { RecordingInfo } from "../../api.gen";
import { open, tell } from "../../state";
import { openSet } from "../labelDesk";

const KEYPOINT_SETS = ["mouse-face-13", "mouse-face-15", "mouse-face-22", "mouse-face-28", "human-face-21", "human-face-68"];

export function NewSet({ recording }: { readonly recording: RecordingInfo }) {
  const [name, setName] = useState("face");
  const [keypoints, setKeypoints] = useState(KEYPOINT_SETS[0] ?? "");
  const make = (): void => {
    api
      .makeLabels(recording.id, { name, keypoints })
      .then(async (made) => {
        open.value = { ...recording, labels: [...recording.labels, { id: made.id, name: made.name }] };
        await openSet(made.id);
      })
      .catch(tell);
  };
  return (
    <section class="screen" aria-labelledby="label">
      <header>
        <h2 id="label">Label</h2>
      </header>
      <p class="notice">
        {recording.name} has no label set yet. A set holds the points that you place; it is what a model is trained on, and every edit in it is kept.
      </p>
      <form
        class="inline"
        onSubmit={(event) => {
          event.preventDefault();
          make();
        }}
      >
        <label>
          name <input value={name} required onInput={(event) => setName(event.currentTarget.value)} />
        </label>
        <label>
          points{" "}
          <select value={keypoints} onChange={(event) => setKeypoints(event.currentTarget.value)}>
            {KEYPOINT_SETS.map((one) => (
              <option key={one}>{one}</option>
            ))}
          </select>
        </label>
        <button type="submit">make the set</button>
      </form>
    </section>
  );
}
