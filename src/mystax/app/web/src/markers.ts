/** How a keypoint looks: hue and shape by the part of the face, so never by colour alone. */

import { palette } from "./palette.gen";

export type Figure = "circle" | "triangle" | "square" | "diamond" | "hexagon";

export interface Marker {
  readonly part: string;
  readonly figure: Figure;
  readonly colour: string;
}

/** Below this confidence a point is drawn dashed: a value, never a percentile. */
export const LOW = 0.5;

const PARTS: ReadonlyArray<readonly [string, RegExp, Figure]> = [
  ["eye", /eye|pupil|lid|brow|iris/i, "circle"],
  ["whisker", /whisker|pad/i, "triangle"],
  ["nose", /nose|nostril/i, "square"],
  ["mouth", /mouth|lip|jaw|chin|tongue/i, "diamond"],
];

/** The part of a point, by its name. */
export function partOf(name: string): readonly [string, Figure] {
  const found = PARTS.find(([, words]) => words.test(name));
  return found === undefined ? ["other", "hexagon"] : [found[0], found[2]];
}

/** The markers of a set, in its order: within a part the colours follow one another. */
export function markersOf(names: readonly string[]): readonly Marker[] {
  const used = new Map<string, number>();
  return names.map((name) => {
    const [part, figure] = partOf(name);
    const number = used.get(part) ?? 0;
    used.set(part, number + 1);
    const colours: readonly string[] = palette.keypoints[part as keyof typeof palette.keypoints];
    return { part, figure, colour: colours[number % colours.length] ?? "#888888" };
  });
}

/** Confidence as opacity: what is hardly sure can still be seen. */
export function opacity(confidence: number): number {
  return Number.isFinite(confidence) ? 0.25 + 0.75 * Math.min(1, Math.max(0, confidence)) : 0.25;
}

export const isLow = (confidence: number): boolean => !(confidence >= LOW);

const CORNERS: Readonly<Record<Exclude<Figure, "circle">, readonly [number, number]>> = {
  // Corners and the angle of the first one [turns].
  triangle: [3, -0.25],
  square: [4, 0.125],
  diamond: [4, 0],
  hexagon: [6, 0],
};

/** The corners of a marker around (0, 0) for a radius; none for a circle. */
export function corners(figure: Figure, radius: number): ReadonlyArray<readonly [number, number]> {
  if (figure === "circle") return [];
  const [n, first] = CORNERS[figure];
  return Array.from({ length: n }, (_, k) => {
    const angle = 2 * Math.PI * (first + k / n);
    return [radius * Math.cos(angle), radius * Math.sin(angle)] as const;
  });
}
