/** States over time as runs: which one is shown at a time, the next bout of one, and what is on the screen. */

export interface Run {
  /** First frame, and the one after the last. */
  readonly start: number;
  readonly stop: number;
  readonly state: number;
}

/** The next bout of a state after a frame, from the start again after the last one. */
export function nextBout(runs: readonly Run[], state: number, frame: number): Run | null {
  const own = runs.filter((run) => run.state === state);
  return own.find((run) => run.start > frame) ?? own[0] ?? null;
}

export interface StateRow {
  readonly state: number;
  readonly bouts: number;
  readonly frames: number;
  /** Share of all labelled frames. */
  readonly share: number;
  /** Median length of a bout [frames]. */
  readonly median: number;
}

/** How often each state comes and how long it stays, by its number. */
export function statesOf(runs: readonly Run[]): readonly StateRow[] {
  const lengths = new Map<number, number[]>();
  let all = 0;
  for (const { start, stop, state } of runs) {
    if (state < 0) continue;
    lengths.set(state, [...(lengths.get(state) ?? []), stop - start]);
    all += stop - start;
  }
  return [...lengths]
    .map(([state, found]) => {
      const frames = found.reduce((sum, one) => sum + one, 0);
      return { state, bouts: found.length, frames, share: frames / all, median: medianOf(found) };
    })
    .sort((a, b) => a.state - b.state);
}

function medianOf(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const upper = sorted[middle] ?? NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? NaN) + upper) / 2;
}

/** How often one state follows another: rows from, columns to. */
export function transitions(runs: readonly Run[], states: readonly number[]): readonly (readonly number[])[] {
  const counts = states.map(() => states.map(() => 0));
  for (let k = 1; k < runs.length; k += 1) {
    const [a, b] = [runs[k - 1], runs[k]];
    if (a === undefined || b === undefined || a.stop !== b.start) continue;
    const row = counts[states.indexOf(a.state)];
    const column = states.indexOf(b.state);
    if (row !== undefined && column >= 0) row[column] = (row[column] ?? 0) + 1;
  }
  return counts;
}

/** Colour and hatch of a state: fixed by its number; from the 13th on the colours come again with a hatch. */
export function lookOf(state: number, colours: readonly string[]): { readonly colour: string; readonly isHatched: boolean } {
  const number = Math.max(0, state - 1);
  return { colour: colours[number % colours.length] ?? "#888888", isHatched: number >= colours.length };
}

export interface Said {
  readonly state: number;
  readonly name: string;
  readonly merged_into: number | null;
  readonly hidden: boolean;
}

/** The state that one is counted with; chains are followed to their end. */
export function endOf(said: readonly Said[], state: number): number {
  let at = state;
  for (let left = said.length; left > 0; left--) {
    const next = said.find((one) => one.state === at)?.merged_into ?? null;
    if (next === null) break;
    at = next;
  }
  return at;
}

/** Runs with merged states as one; each with the numbers of its first and last run as they were measured. */
export function joined(runs: readonly Run[], said: readonly Said[]): ReadonlyArray<Run & { readonly first: number; readonly last: number }> {
  const found: Array<Run & { first: number; last: number }> = [];
  runs.forEach(({ start, stop, state }, k) => {
    const shown = state < 0 ? state : endOf(said, state);
    const before = found[found.length - 1];
    if (before !== undefined && before.state === shown && before.stop === start) found[found.length - 1] = { ...before, stop, last: k };
    else found.push({ start, stop, state: shown, first: k, last: k });
  });
  return found;
}

/** States that one may be merged into: not itself, and none that leads back to it. */
export function hosts(said: readonly Said[], states: readonly number[], state: number): readonly number[] {
  return states.filter((one) => one !== state && endOf(said, one) !== state);
}

/** What is said, with something else of one state; nothing is kept of a state of which nothing is said. */
export function saying(said: readonly Said[], state: number, change: Partial<Omit<Said, "state">>): readonly Said[] {
  const before = said.find((one) => one.state === state) ?? { state, name: "", merged_into: null, hidden: false };
  const now = { ...before, ...change };
  const others = said.filter((one) => one.state !== state);
  const isEmpty = now.name === "" && now.merged_into === null && !now.hidden;
  return isEmpty ? others : [...others, now].sort((a, b) => a.state - b.state);
}
