/** What a training has measured on the frames that it held out: the new weights beside those before. */

export interface Line {
  readonly name: string;
  readonly n: number;
  /** Mean errors [px@256]; null where unknown. */
  readonly after: number | null;
  readonly before: number | null;
  readonly interval: readonly [number, number] | null;
}

export interface Comparison {
  readonly model: string;
  readonly base: string | null;
  readonly n_frames: number;
  readonly lines: readonly Line[];
  /** The mean difference, new less before, with its 95 % interval [px@256]. */
  readonly difference: readonly [number, number, number] | null;
  readonly worst: readonly string[];
  readonly facts: ReadonlyArray<readonly [string, string]>;
}

type Table = Readonly<Record<string, unknown>>;

const tableOf = (value: unknown): Table => (typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Table) : {});
const numberOf = (value: unknown): number | null => (typeof value === "number" && Number.isFinite(value) ? value : null);
const textsOf = (value: unknown): string[] => (Array.isArray(value) ? value.map(String) : []);

function pairOf(value: unknown): readonly [number, number] | null {
  const [low, high] = Array.isArray(value) ? [numberOf(value[0]), numberOf(value[1])] : [null, null];
  return low === null || high === null ? null : [low, high];
}

function lineOf(name: string, after: Table, before: Table): Line {
  return {
    name,
    n: numberOf(after["n"]) ?? 0,
    after: numberOf(after["mean"]),
    before: numberOf(before["mean"]),
    interval: pairOf(after["mean_interval"]),
  };
}

/** Read `evaluation.json` of a training; the first model is the new one, the second those before. */
export function comparisonOf(found: Table): Comparison | null {
  const models = tableOf(found["models"]);
  const names = Object.keys(models).filter((name) => name !== "mean shape");
  const [model, base] = names;
  if (model === undefined) return null;
  const [after, before] = [tableOf(models[model]), tableOf(models[base ?? ""])];
  const points = tableOf(after["keypoints"]);
  const old = tableOf(before["keypoints"]);
  const gap = tableOf(before["first_minus_this"]);
  const [mean, interval] = [numberOf(gap["mean"]), pairOf(gap["interval"])];
  return {
    model,
    base: base ?? null,
    n_frames: numberOf(found["n_frames"]) ?? 0,
    lines: [
      lineOf("all points", tableOf(after["all"]), tableOf(before["all"])),
      ...Object.keys(points).map((name) => lineOf(name, tableOf(points[name]), tableOf(old[name]))),
    ],
    difference: mean === null || interval === null ? null : [mean, ...interval],
    worst: textsOf(found["worst_frames"]),
    facts: Object.entries(tableOf(found["training"])).map(([name, value]) => [name, String(value)] as const),
  };
}

/** The difference in words: better or worse only where its interval leaves zero out. */
export function verdict({ difference }: Comparison): string {
  if (difference === null) return "There are no weights before to compare with.";
  const [mean, low, high] = difference;
  const numbers = `${mean.toFixed(2)} px@256 (95 % from ${low.toFixed(2)} to ${high.toFixed(2)})`;
  if (high < 0) return `Better than before: errors differ by ${numbers}.`;
  if (low > 0) return `Worse than before: errors differ by ${numbers}.`;
  return `Not told apart from before: errors differ by ${numbers}.`;
}

export const errorText = (value: number | null): string => (value === null ? "" : value.toFixed(2));
