/** The points of the set: names, order, edges and pairs, saved in one step. */

import { useEffect, useState } from "preact/hooks";

import * as api from "../../api";
import type { LabelSet } from "../../api.gen";
import {
  added,
  draftOf,
  dropped,
  edited,
  isChanged,
  moved,
  redone,
  stepped,
  stepsOf,
  swapped,
  takenBack,
  toggled,
  undone,
  wantedOf,
  wrongOf,
  type Joined,
  type SetDraft,
} from "../../pointset";
import { said, tell } from "../../state";
import { isFixed, openSet, saved } from "../labelDesk";

interface JoinsProps {
  readonly draft: SetDraft;
  readonly what: Joined;
  /** Edits of the same field are one step of undo. */
  readonly change: (draft: SetDraft, field?: string) => void;
}

interface NamesProps {
  readonly label: string;
  readonly names: readonly string[];
  readonly value: string;
  readonly set: (name: string) => void;
}

function Names({ label, names, value, set }: NamesProps) {
  return (
    <select aria-label={label} value={value} onChange={(event) => set(event.currentTarget.value)}>
      {names.map((name) => (
        <option key={name}>{name}</option>
      ))}
    </select>
  );
}

/** Two of the points, by their present names: what was chosen may have another name meanwhile. */
function useTwo(names: readonly string[]) {
  const [from, setFrom] = useState("");
  const [to, setTo] = useState("");
  const known = (name: string, k: number): string => (names.includes(name) ? name : (names[k] ?? ""));
  return { from: known(from, 0), to: known(to, 1), setFrom, setTo };
}

/** Two points that were taken for each other. */
function Swap({ draft, change }: Omit<JoinsProps, "what">) {
  const names = draft.points.filter((one) => !one.retired && one.was !== "").map((one) => one.id);
  const { from, to, setFrom, setTo } = useTwo(names);
  return (
    <fieldset>
      <legend>swap names</legend>
      <p class="help">Labels, edges and definitions stay with their points; only the two names change places.</p>
      <div class="buttons">
        <Names label="swap: one point" names={names} value={from} set={setFrom} />
        <Names label="swap: the other point" names={names} value={to} set={setTo} />
        <button type="button" disabled={from === to} onClick={() => change(swapped(draft, from, to))}>
          swap
        </button>
      </div>
    </fieldset>
  );
}

/** Edges or pairs: two points are joined, or parted. */
function Joins({ draft, what, change }: JoinsProps) {
  const names = draft.points.filter((one) => !one.retired).map((one) => one.id);
  const { from, to, setFrom, setTo } = useTwo(names);
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
        <Names label={`${what}: from`} names={names} value={from} set={setFrom} />
        <Names label={`${what}: to`} names={names} value={to} set={setTo} />
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
              <input aria-label={`name of point ${k + 1}`} value={point.id} onInput={(event) => change(edited(draft, k, { id: event.currentTarget.value }), `name ${k}`)} />
            </td>
            <td>
              <input
                aria-label={`definition of ${point.id}`}
                value={point.definition}
                onInput={(event) => change(edited(draft, k, { definition: event.currentTarget.value }), `definition ${k}`)}
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
  const [steps, setSteps] = useState(() => stepsOf(draftOf(now)));
  const [last, setLast] = useState<{ readonly before: SetDraft; readonly after: SetDraft } | null>(null);
  useEffect(() => setSteps(stepsOf(draftOf(now))), [now]);
  useEffect(() => setLast(null), [now.id]);
  const draft = steps.now;
  const change = (next: SetDraft, field?: string): void => setSteps(stepped(steps, next, field));
  const wrong = wrongOf(draft);
  const isNew = isChanged(draft, now);
  const isSaved = saved.value.startsWith("Saved");
  const put = (next: SetDraft, words: string): void => {
    api
      .putPoints(now.id, wantedOf(next))
      .then(() => {
        setLast({ before: draftOf(now), after: next });
        return openSet(now.id);
      })
      .then(() => (said.value = words))
      .catch(tell);
  };
  return (
    <details class="form pointset">
      <summary>
        points of the set <span class="muted">{now.keypoint_set}, version {now.version}</span>
      </summary>
      <PointRows draft={draft} change={change} />
      <div class="buttons">
        <button type="button" onClick={() => change(added(draft))}>
          add a point
        </button>
        <button type="button" aria-label="undo an edit of the points" disabled={steps.done.length === 0} onClick={() => setSteps(undone(steps))}>
          undo
        </button>
        <button type="button" aria-label="redo an edit of the points" disabled={steps.undone.length === 0} onClick={() => setSteps(redone(steps))}>
          redo
        </button>
      </div>
      <div class="columns">
        <Joins draft={draft} what="edges" change={change} />
        {now.is_two_sided && <Joins draft={draft} what="pairs" change={change} />}
        <Swap draft={draft} change={change} />
      </div>
      {!now.is_two_sided && <p class="help">The set is one-sided: its points survive mirroring, so it has no left and right.</p>}
      {wrong !== null && <p class="help error">{wrong}</p>}
      <div class="buttons">
        <button type="button" disabled={!isNew || wrong !== null || isFixed.value || !isSaved} onClick={() => put(draft, "The points are saved")}>
          save the points
        </button>
        <button type="button" disabled={!isNew} onClick={() => change(draftOf(now))}>
          as they were
        </button>
        {last !== null && (
          <button
            type="button"
            disabled={isNew || isFixed.value || !isSaved}
            onClick={() => put(takenBack(last.before, last.after, now.version), "The points are as they were before")}
          >
            take the saved change back
          </button>
        )}
      </div>
    </details>
  );
}
