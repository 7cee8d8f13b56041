/** The lines on which the chosen point must lie, as the other cameras of a calibrated rig see it. */

import { signal, useSignalEffect } from "@preact/signals";

import * as api from "../../api";
import type { RecordingInfo } from "../../api.gen";
import { shownAt } from "../../clock";
import { toScreen } from "../../geometry";
import { palette } from "../../palette.gen";
import { clocks, focus, isMoving, playing, tell, time } from "../../state";
import type { Overlay } from "../FramePanel";
import { framePoints, lookAt } from "../labelDesk";
import { drawWord } from "../overlays";
import { chosen } from "./hand";

const REST = 160;

export interface Curve {
  /** Id of the camera in whose picture it is drawn. */
  readonly camera: string;
  /** Name of the camera that sees the point. */
  readonly from: string;
  readonly isLabelled: boolean;
  readonly places: ReadonlyArray<readonly [number, number]>;
}

export const curves = signal<readonly Curve[]>([]);

/** The curve of the chosen point as one other camera has it now; null where that has no such point. */
async function curveOf(recording: RecordingInfo, seen: RecordingInfo["cameras"][number], other: string, name: string): Promise<Curve | null> {
  const clock = clocks.value.get(seen.id);
  const frame = clock === undefined ? null : shownAt(clock, time.value).frame;
  if (frame === null) return null;
  await lookAt(seen.id, frame);
  const found = framePoints(seen.id, frame);
  const label = found?.points[name] ?? null;
  const point = label ?? found?.predicted[name] ?? null;
  if (point === null || point.x === null || point.y === null) return null;
  const { places } = await api.epipolar(recording.id, { seen: seen.id, other, x: point.x, y: point.y });
  return places.length === 0 ? null : { camera: other, from: seen.name, isLabelled: label !== null, places };
}

/** Fetch the curves when the time, the camera or the chosen point rests. */
export function useCurves(recording: RecordingInfo): void {
  useSignalEffect(() => {
    const id = focus.value?.id;
    const name = chosen.value;
    const others = recording.cameras.filter((one) => one.id !== id);
    void time.value;
    curves.value = [];
    if (id === undefined || name === "" || others.length === 0 || playing.value || isMoving.value) return undefined;
    let isCurrent = true;
    const timer = window.setTimeout(() => {
      Promise.all(others.map((seen) => curveOf(recording, seen, id, name)))
        .then((found) => {
          if (isCurrent) curves.value = found.filter((one) => one !== null);
        })
        .catch(tell);
    }, REST);
    return () => {
      isCurrent = false;
      window.clearTimeout(timer);
    };
  });
}

/** Dashed where a person has placed the point in the other camera, dotted where a model has. */
export function curvesOverlay(camera: string): Overlay {
  return (paint) => {
    const mine = curves.value.filter((one) => one.camera === camera);
    mine.forEach((curve, k) => {
      const { context, view } = paint;
      const places = curve.places.map(([x, y]) => toScreen(view, { x, y }));
      const colour = palette.states.colours[k % palette.states.colours.length] ?? "#E69F00";
      context.save();
      for (const [width, style] of [[3, "#000a"], [1.4, colour]] as const) {
        context.lineWidth = width;
        context.strokeStyle = style;
        context.setLineDash(curve.isLabelled ? [8, 5] : [2, 4]);
        context.beginPath();
        places.forEach(({ x, y }, n) => (n === 0 ? context.moveTo(x, y) : context.lineTo(x, y)));
        context.stroke();
      }
      context.restore();
      const middle = places[Math.floor(places.length / 2)];
      if (middle !== undefined) drawWord(context, `${chosen.value} from ${curve.from}`, middle);
    });
  };
}
