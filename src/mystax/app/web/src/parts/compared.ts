/** The comparison that is looked at: its places are drawn on the frames that are worst. */

import { signal } from "@preact/signals";

import type { CameraInfo } from "../api.gen";
import type { SideBySide, WorstFrame } from "../comparison";
import { toScreen, type Point } from "../geometry";
import { markersOf } from "../markers";
import type { Overlay } from "./FramePanel";
import { drawMarker, drawNearest } from "./overlays";

export interface Shown {
  readonly recording: string;
  readonly found: SideBySide;
}

export const compared = signal<Shown | null>(null);

/** The camera that a frame of a comparison belongs to. */
export const cameraOf = (cameras: readonly CameraInfo[], { file }: WorstFrame): CameraInfo | undefined =>
  cameras.find((camera) => camera.files.includes(file));

function drawCross(context: CanvasRenderingContext2D, { x, y }: Point): void {
  for (const [width, style] of [[4, "#000a"], [1.6, "#fff"]] as const) {
    context.lineWidth = width;
    context.strokeStyle = style;
    context.beginPath();
    context.moveTo(x - 6, y - 6);
    context.lineTo(x + 6, y + 6);
    context.moveTo(x - 6, y + 6);
    context.lineTo(x + 6, y - 6);
    context.stroke();
  }
}

/** Labels as crosses, the first of the two filled, the second hollow. */
export function comparedOf(camera: CameraInfo, { found }: Shown): Overlay {
  const mine = found.worst.filter((one) => camera.files.includes(one.file));
  const markers = markersOf(found.points);
  return (paint) => {
    const worst = mine.find((one) => one.frame === paint.frame);
    if (worst === undefined) return;
    const named: Array<{ name: string; at: Point }> = [];
    found.points.forEach((name, k) => {
      const marker = markers[k];
      const places = [worst.label[k], worst.said[0][k], worst.said[1][k]].map((one) => (one == null ? null : toScreen(paint.view, { x: one[0], y: one[1] })));
      const [label, first, second] = places;
      if (label != null) drawCross(paint.context, label);
      if (marker === undefined) return;
      if (first != null) drawMarker(paint.context, marker, first, { isFilled: true, alpha: 1, isDashed: false });
      if (second != null) drawMarker(paint.context, marker, second, { isFilled: false, alpha: 1, isDashed: false });
      if (label != null) named.push({ name: `${name}: label`, at: label });
      if (first != null) named.push({ name: `${name}: ${found.names[0]}`, at: first });
      if (second != null) named.push({ name: `${name}: ${found.names[1]}`, at: second });
    });
    drawNearest(paint, named);
  };
}
