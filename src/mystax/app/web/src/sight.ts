/** What a measurement by a threshold sees in a region: the picture of its box, and how its grey levels lie. */

import { numbers, type Envelope } from "./envelope";
import type { Point } from "./geometry";

/** Kinds of a pixel, as `compute/sight.py` numbers them. */
const [OUTSIDE, , DARK, HIDDEN] = [0, 1, 2, 3] as const;

/** Red, green, blue, and the share of them; what lies outside is dimmed. */
const TINTS: Readonly<Record<number, readonly [number, number, number, number]>> = {
  [OUTSIDE]: [0, 0, 0, 0.65],
  [DARK]: [213, 94, 0, 0.5],
  [HIDDEN]: [86, 180, 233, 0.6],
};

export interface Sight {
  readonly width: number;
  readonly height: number;
  readonly grey: ArrayLike<number>;
  readonly kinds: ArrayLike<number>;
  /** Pixels at each whole grey level. */
  readonly counts: ArrayLike<number>;
  /** Levels below which a pixel counts, in the order in which they are tried. */
  readonly thresholds: readonly number[];
  /** Bright and dark are exchanged. */
  readonly isInverted: boolean;
  /** Edge that was found and best ellipse, in pixels of the box: (0, 0) is the centre of the first one. */
  readonly rim: readonly Point[];
  readonly ellipse: { readonly x: number; readonly y: number; readonly long: number; readonly short: number; readonly angle: number } | null;
}

/** Read the sight that came with a preview; null where there is none. */
export function sightOf(body: Envelope): Sight | null {
  const [height = 0, width = 0] = body.arrays.get("sight_kind")?.shape ?? [];
  if (width * height === 0) return null;
  const [left = 0, top = 0] = numbers(body, "sight_origin");
  const points = numbers(body, "sight_points");
  const all = Array.from({ length: points.length / 2 }, (_, k) => ({ x: (points[2 * k] ?? NaN) - left, y: (points[2 * k + 1] ?? NaN) - top }));
  const [x = NaN, y = NaN, long = NaN, short = NaN, angle = NaN] = numbers(body, "sight_ellipse");
  return {
    width,
    height,
    grey: numbers(body, "sight_picture"),
    kinds: numbers(body, "sight_kind"),
    counts: numbers(body, "sight_counts"),
    thresholds: [...numbers(body, "sight_thresholds")],
    isInverted: numbers(body, "sight_inverted")[0] === 1,
    rim: all.filter((one) => Number.isFinite(one.x)),
    ellipse: Number.isFinite(x + long) ? { x: x - left, y: y - top, long, short, angle } : null,
  };
}

/** Paint the picture: what counts and what is hidden in colour, what is outside dim. */
export function paintSight({ grey, kinds }: Sight, out: Uint8ClampedArray): void {
  for (let k = 0; k < kinds.length; k += 1) {
    const [red, green, blue, share] = TINTS[kinds[k] ?? OUTSIDE] ?? [0, 0, 0, 0];
    const rest = (1 - share) * (grey[k] ?? 0);
    out.set([rest + share * red, rest + share * green, rest + share * blue, 255], 4 * k);
  }
}

/** The lines of the histogram, by the root of the counts: one for each level, in a box of as many columns. */
export function histogramPath(counts: ArrayLike<number>, height: number): string {
  const roots = Array.from(counts, Math.sqrt);
  const most = Math.max(1, ...roots);
  return roots.map((root, k) => (root > 0 ? `M${k + 0.5} ${height}V${(height * (1 - root / most)).toFixed(1)}` : "")).join("");
}

export function sightText({ kinds, thresholds, rim }: Sight): string {
  const n = [0, 0, 0, 0];
  for (let k = 0; k < kinds.length; k += 1) n[kinds[k] ?? 0] = (n[kinds[k] ?? 0] ?? 0) + 1;
  const [outside = 0, , dark = 0, hidden = 0] = n;
  const parts = [`${dark} of ${kinds.length - outside} pixels darker than ${(thresholds[0] ?? NaN).toFixed(0)}`];
  if (hidden > 0) parts.push(`${hidden} of reflections`);
  if (rim.length > 0) parts.push(`${rim.length} places of the edge`);
  return parts.join(", ");
}
