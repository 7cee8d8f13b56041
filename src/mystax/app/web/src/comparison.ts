/** Two models or outcomes on the same labelled frames: errors side by side, and the frames that are worst. */

export interface Row {
  readonly name: string;
  /** Labels that count. */
  readonly n: number;
  /** Mean errors of both [px@256]; null where one knows no such point. */
  readonly means: readonly [number | null, number | null];
}

export type Places = ReadonlyArray<readonly [number, number] | null>;

export interface WorstFrame {
  readonly file: string;
  readonly frame: number;
  readonly errors: readonly [number | null, number | null];
  /** Labelled places and both predicted ones [px of the picture], in the order of the points. */
  readonly label: Places;
  readonly said: readonly [Places, Places];
}

export interface SideBySide {
  readonly names: readonly [string, string];
  /** How many of the frames were seen when they were trained. */
  readonly seen: readonly [number, number];
  readonly points: readonly string[];
  readonly n_frames: number;
  readonly n_left_out: number;
  readonly rows: readonly Row[];
  /** The mean difference, the first less the second, with its 95 % interval [px@256]. */
  readonly difference: readonly [number, number, number] | null;
  readonly worst: readonly WorstFrame[];
}

type Table = Readonly<Record<string, unknown>>;

const tableOf = (value: unknown): Table => (typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Table) : {});
const listOf = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);
const numberOf = (value: unknown): number | null => (typeof value === "number" && Number.isFinite(value) ? value : null);

function placesOf(value: unknown): Places {
  return listOf(value).map((one) => {
    const [x, y] = listOf(one).map(numberOf);
    return x === undefined || y === undefined || x === null || y === null ? null : ([x, y] as const);
  });
}

const both = <T>(values: readonly T[], other: T): readonly [T, T] => [values[0] ?? other, values[1] ?? other];

/** Read what a comparison has found; null where it is none. */
export function sideBySide(found: Table): SideBySide | null {
  const sides = listOf(found["sides"]).map(tableOf);
  const models = tableOf(found["models"]);
  const names = sides.map((one) => String(one["name"] ?? ""));
  if (names.length !== 2) return null;
  const [first, second] = names.map((name) => tableOf(models[name]));
  const points = listOf(found["keypoints"]).map(String);
  const row = (name: string, one: Table, other: Table): Row => ({
    name,
    n: numberOf(one["n"]) ?? 0,
    means: [numberOf(one["mean"]), numberOf(other["mean"])],
  });
  const [ours, theirs] = [tableOf(first?.["keypoints"]), tableOf(second?.["keypoints"])];
  const gap = tableOf(second?.["first_minus_this"]);
  const [mean, low, high] = [numberOf(gap["mean"]), ...listOf(gap["interval"]).map(numberOf)];
  return {
    names: both(names, ""),
    seen: both(sides.map((one) => numberOf(one["n_seen"]) ?? 0), 0),
    points,
    n_frames: numberOf(found["n_frames"]) ?? 0,
    n_left_out: numberOf(found["n_left_out"]) ?? 0,
    rows: [row("all points", tableOf(first?.["all"]), tableOf(second?.["all"])), ...points.map((name) => row(name, tableOf(ours[name]), tableOf(theirs[name])))],
    difference: mean == null || low == null || high == null ? null : [mean, low, high],
    worst: listOf(found["worst"]).map((one) => {
      const worst = tableOf(one);
      return {
        file: String(worst["file"] ?? ""),
        frame: numberOf(worst["frame"]) ?? 0,
        errors: both(listOf(worst["errors"]).map(numberOf), null),
        label: placesOf(worst["label"]),
        said: both<Places>(listOf(worst["said"]).map(placesOf), []),
      };
    }),
  };
}

/** Who is better, only where the interval leaves zero out. */
export function winner({ names, difference }: SideBySide): string {
  if (difference === null) return "There is no frame on which both have an error.";
  const [mean, low, high] = difference;
  const numbers = `${Math.abs(mean).toFixed(2)} px@256 (95 % of the difference from ${low.toFixed(2)} to ${high.toFixed(2)})`;
  if (high < 0) return `${names[0]} is better by ${numbers}.`;
  if (low > 0) return `${names[1]} is better by ${numbers}.`;
  return `They are not told apart: the difference is ${numbers}.`;
}

/** A warning for each of the two that was trained on frames by which it is judged. */
export function unfair({ names, seen, n_frames }: SideBySide): readonly string[] {
  return names.flatMap((name, k) =>
    (seen[k] ?? 0) > 0 ? [`${name} was trained on ${seen[k]} of these ${n_frames} frames: its error on new frames is larger, see its report.`] : [],
  );
}
