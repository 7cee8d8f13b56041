/** Somebody else was faster: keep mine or take theirs. */

import { tell } from "../../state";
import { chooseMine, chooseTheirs, refusedEdits } from "../labelDesk";

export function Conflict() {
  if (refusedEdits.value === null) return null;
  const names = refusedEdits.value.ops.map((op) => op.keypoint).filter((name) => name !== "");
  return (
    <div class="notice bad" role="alert">
      W904: somebody else has changed this frame since you saw it. Your edit of {names.join(", ") || "it"} is kept here.{" "}
      <button type="button" onClick={() => void chooseMine().catch(tell)}>
        keep mine
      </button>{" "}
      <button type="button" onClick={() => void chooseTheirs().catch(tell)}>
        take theirs
      </button>
    </div>
  );
}
