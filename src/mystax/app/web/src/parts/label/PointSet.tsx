/** The points of the set: names, order, edges and pairs, saved in one step. */

import { useEffect, useState } from "preact/hooks";

import * as api from "../../api";
import type { LabelSet } from "../../api.gen";
import { added, draftOf, dropped, edited, isChanged, moved, toggled, wantedOf, wrongOf, type Joined, type SetDraft } from "../../pointset";
import { said, tell } from "../../state";
import { isFixed, openSet, saved } from "../labelDesk";

interface JoinsProps {
  readonly draft: SetDraft;
  readonly what: Joined;
  readonly change: (draft: SetDraft) => void;
}

/** Edges or pairs: two points are joined, or parted. */
function Joins({ draft, what, change }: JoinsProps) {
  const names = draft.points.filter((one) => !one.retired).map((one) => one.id);
  const [from, setFrom] = useState(names[0] ?? "");
  const [to, setTo] = useState(names[1] ?? "");
  const list = (label: string, value: string, set: (name: string) => void) => (
    <select aria-label={`${what}: ${label}`} value={value} onChange={(event) => set(event.currentTarget.value)}>
      {names.map((name) => (
        <option key={name}>{name}</option>
      ))}
    </select>
  );
  return (
    <fieldset>
      <legend>{what === "edges" ? "edges" : "left and right"}</legend>
      <div class="tags">
        {draft[what].map((pair) => (
          <button key={pair.join("-")} type="button" class="plain" title="take away" onClick={() => change(toggled(draft, what, pair))}>
            {pair[0]} - {pair[1]} ×
          </button>
        ))}
      </div>
      <div class="buttons">
        {list("from", from, setFrom)}
        {list("to", to, setTo)}
        <button type="button" disabled={from === to} onClick={() => change(toggled(draft, what, [from, to]))}>
          join
        </button>
      </div>
    </fieldset>
  );
}

function PointRows({ draft, change }: Omit<JoinsProps, "what">) {
  return (
    <table aria-label="points of the set">
      <thead>
        <tr>
          <th scope="col">point</th>
          <th scope="col">where it lies</th>
          <th scope="col">retired</th>
          <th scope="col">order</th>
        </tr>
      </thead>
      <tbody>
        {draft.points.map((point, k) => (
          <tr key={point.was || `new ${k}`}>
            <td>
              <input aria-label={`name of point ${k + 1}`} value={point.id} onInput={(event) => change(edited(draft, k, { id: event.currentTarget.value }))} />
            </td>
            <td>
              <input
                aria-label={`definition of ${point.id}`}
                value={point.definition}
                onInput={(event) => change(edited(draft, k, { definition: event.currentTarget.value }))}
              />
            </td>
            <td>
              {point.was === "" ? (
                <button type="button" class="plain" aria-label={`drop ${point.id}`} onClick={() => change(dropped(draft, k))}>
                  ×
                </button>
              ) : (
                <input
                  type="checkbox"
                  aria-label={`retire ${point.id}`}
                  checked={point.retired}
                  onChange={(event) => change(edited(draft, k, { retired: event.currentTarget.checked }))}
                />
              )}
            </td>
            <td class="order">
              <button type="button" class="plain" aria-label={`move ${point.id} up`} disabled={k === 0} onClick={() => change(moved(draft, k, -1))}>
                ↑
              </button>
              <button type="button" class="plain" aria-label={`move ${point.id} down`} disabled={k === draft.points.length - 1} onClick={() => change(moved(draft, k, 1))}>
                ↓
              </button>
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

export function PointSet({ now }: { readonly now: LabelSet }) {
  const [draft, setDraft] = useState(() => draftOf(now));
  useEffect(() => setDraft(draftOf(now)), [now.id, now.version]);
  const wrong = wrongOf(draft);
  const isNew = isChanged(draft, now);
  const isSaved = saved.value.startsWith("Saved");
  const save = (): void => {
    api
      .putPoints(now.id, wantedOf(draft))
      .then(() => openSet(now.id))
      .then(() => (said.value = "The points are saved"))
      .catch(tell);
  };
  return (
    <details class="form pointset">
      <summary>
        points of the set <span class="muted">{now.keypoint_set}, version {now.version}</span>
      </summary>
      <PointRows draft={draft} change={setDraft} />
      <div class="buttons">
        <button type="button" onClick={() => setDraft(added(draft))}>
          add a point
        </button>
      </div>
      <div class="columns">
        <Joins draft={draft} what="edges" change={setDraft} />
        {now.is_two_sided && <Joins draft={draft} what="pairs" change={setDraft} />}
      </div>
      {!now.is_two_sided && <p class="help">The set is one-sided: its points survive mirroring, so it has no left and right.</p>}
      {wrong !== null && <p class="help error">{wrong}</p>}
      <div class="buttons">
        <button type="button" disabled={!isNew || wrong !== null || isFixed.value || !isSaved} onClick={save}>
          save the points
        </button>
        <button type="button" disabled={!isNew} onClick={() => setDraft(draftOf(now))}>
          as they were
        </button>
      </div>
    </details>
  );
}
