/** Frames worth labelling, the worst first, each with its reason. */

import { useState } from "preact/hooks";

import type { Suggestion } from "../../api.gen";
import { focus, focusFrame } from "../../state";
import { frameEdit, loadSuggestions, suggestions } from "../labelDesk";
import { SUGGESTED } from "./hand";

export function Suggestions({ go }: { readonly go: (to: Suggestion) => void }) {
  const list = suggestions.value;
  const frame = focusFrame.value;
  const camera = focus.value?.id;
  const [n, setN] = useState(SUGGESTED);
  const at = list?.findIndex((one) => one.camera === camera && one.frame === frame) ?? -1;
  return (
    <fieldset>
      <legend>
        suggested {list !== null && list.length > 0 ? `${at < 0 ? "-" : at + 1} of ${list.length}` : ""} <span class="muted">worst first</span>
      </legend>
      {list === null ? (
        <button type="button" onClick={() => loadSuggestions(n)}>
          find frames worth labelling
        </button>
      ) : list.length === 0 ? (
        <p class="help">No frame stands out. Track the recording first, or choose frames yourself with A.</p>
      ) : (
        <ul class="list" aria-label="suggested frames">
          {list.map((one) => (
            <li key={`${one.camera}/${one.frame}`} aria-current={one.camera === camera && one.frame === frame ? "true" : undefined}>
              <button type="button" class="plain line" title={one.reason} onClick={() => go(one)}>
                <span class="number">{one.frame.toLocaleString("en-US")}</span> {one.reason}
              </button>
              <button
                type="button"
                class="plain"
                aria-label={`skip frame ${one.frame}`}
                onClick={() => {
                  frameEdit("note", one.camera, one.frame, { text: "skip" });
                  suggestions.value = list.filter((other) => other !== one);
                }}
              >
                skip
              </button>
            </li>
          ))}
        </ul>
      )}
      {list !== null && (
        <button
          type="button"
          onClick={() => {
            setN(n + SUGGESTED);
            loadSuggestions(n + SUGGESTED);
          }}
        >
          {SUGGESTED} more
        </button>
      )}
    </fieldset>
  );
}
