/** All that was done on a frame; any of it can be brought back. */

import { useEffect, useState } from "preact/hooks";

import * as api from "../../api";
import type { LabelLine, LabelPoint } from "../../api.gen";
import { tell } from "../../state";
import { changeOf, gesture, isFixed, set } from "../labelDesk";

export function History({ camera, frame }: { readonly camera: string; readonly frame: number }) {
  const [lines, setLines] = useState<readonly LabelLine[] | null>(null);
  const id = set.value?.id;
  useEffect(() => setLines(null), [camera, frame]);
  const load = (): void => {
    if (id !== undefined) api.history(id, camera, frame).then(setLines).catch(tell);
  };
  const say = (point: LabelPoint | null): string => (point === null ? "nothing" : point.x === null ? point.state : `${point.state} ${point.x.toFixed(1)}, ${point.y?.toFixed(1) ?? ""}`);
  return (
    <details class="form" onToggle={(event) => event.currentTarget.open && load()}>
      <summary>history of this frame</summary>
      {lines !== null && lines.length === 0 && <p class="help">Nothing has been done on this frame.</p>}
      <ul class="list">
        {lines?.map((line) => (
          <li key={line.rev}>
            <span>
              {line.rev} {line.op} {line.keypoint} {line.op === "set" ? say(line.after) : line.text}
              <span class="muted">
                {" "}
                {line.who} {line.at.replace("T", " ").slice(0, 16)}
              </span>
            </span>
            {line.op === "set" && !isFixed.value && (
              <button type="button" class="plain" onClick={() => gesture(changeOf(camera, frame, line.keypoint, line.after))}>
                restore
              </button>
            )}
          </li>
        ))}
      </ul>
    </details>
  );
}
