/** The loss of a training as a line: where its points lie, and what its axis says. */

import type { JobCurve } from "./api.gen";

export interface Place {
  readonly x: number;
  readonly y: number;
}

export interface LossDrawing {
  /** One line for each fit: a new one begins at its own loss. */
  readonly lines: ReadonlyArray<readonly Place[]>;
  /** Measurements on held-out frames, on an axis of their own. */
  readonly looks: readonly Place[];
  readonly least: number;
  readonly most: number;
  readonly leastError: number;
  readonly mostError: number;
  readonly lastLoss: number | null;
  readonly lastError: number | null;
}

function range(values: readonly number[]): readonly [number, number] {
  const [low, high] = [Math.min(...values), Math.max(...values)];
  if (!Number.isFinite(low)) return [0, 1];
  return high > low ? [low, high] : [low - 0.5, high + 0.5];
}

/** Lay a curve out in a box; steps go from 0 to all of them, so that what is to come stays empty. */
export function drawing(curve: JobCurve, width: number, height: number): LossDrawing {
  const [least, most] = range(curve.losses);
  const errors = curve.held_out.map((one) => one.error);
  const [leastError, mostError] = range(errors);
  const total = Math.max(1, curve.total, curve.steps[curve.steps.length - 1] ?? 1);
  const x = (step: number): number => (step / total) * width;
  const y = (value: number, low: number, high: number): number => height - ((value - low) / (high - low)) * height;
  const lines: Place[][] = [];
  let fits = 0;
  curve.steps.forEach((step, k) => {
    const begun = curve.starts.filter((start) => start <= step).length;
    if (lines.length === 0 || begun > fits) lines.push([]);
    fits = begun;
    lines[lines.length - 1]?.push({ x: x(step), y: y(curve.losses[k] ?? NaN, least, most) });
  });
  return {
    lines,
    looks: curve.held_out.map((one) => ({ x: x(one.step), y: y(one.error, leastError, mostError) })),
    least,
    most,
    leastError,
    mostError,
    lastLoss: curve.losses[curve.losses.length - 1] ?? null,
    lastError: errors[errors.length - 1] ?? null,
  };
}

/** The line as the attribute of a polyline. */
export const pointsText = (line: readonly Place[]): string => line.map(({ x, y }) => `${x.toFixed(1)},${y.toFixed(1)}`).join(" ");

/** The curve in words, for those who do not see it. */
export function curveText(curve: JobCurve): string {
  const [loss, look] = [curve.losses[curve.losses.length - 1], curve.held_out[curve.held_out.length - 1]];
  if (loss === undefined) return "no step yet";
  const begin = `loss ${loss.toFixed(2)} at step ${curve.steps[curve.steps.length - 1] ?? 0} of ${curve.total}`;
  return look === undefined ? begin : `${begin}; ${look.error.toFixed(2)} px@256 on held-out frames`;
}
