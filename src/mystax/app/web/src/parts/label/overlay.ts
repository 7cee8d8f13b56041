/** What is drawn over a picture that is being labelled: points, edges, and the name of the nearest. */

import { toScreen, type Point } from "../../geometry";
import type { Labels } from "../../labels";
import { isLow, markersOf } from "../../markers";
import type { Overlay } from "../FramePanel";
import { framePoints } from "../labelDesk";
import { drawMarker, drawNearest } from "../overlays";
import { drag } from "./hand";

/** Labels are filled, hidden points hollow and dashed, predictions hollow: they are no labels until accepted. */
export function labelsOverlay(now: Labels, camera: string, isChosen: string): Overlay {
  const markers = markersOf(now.points);
  return (paint) => {
    const frame = framePoints(camera, paint.frame);
    if (frame === null) return;
    const hand = drag.value?.camera === camera && drag.value.frame === paint.frame ? drag.value : null;
    const spots = new Map<string, Point>();
    now.points.forEach((name) => {
      const label = frame.points[name] ?? null;
      const place = label ?? frame.predicted[name] ?? null;
      const held = hand?.keypoint === name ? hand.at : null;
      if (held !== null) spots.set(name, toScreen(paint.view, held));
      else if (place !== null && place.x !== null && place.y !== null) spots.set(name, toScreen(paint.view, { x: place.x, y: place.y }));
    });
    paint.context.lineWidth = 1;
    paint.context.strokeStyle = "#ffffff66";
    for (const [a, b] of now.edges) {
      const [from, to] = [spots.get(a), spots.get(b)];
      if (from === undefined || to === undefined) continue;
      paint.context.beginPath();
      paint.context.moveTo(from.x, from.y);
      paint.context.lineTo(to.x, to.y);
      paint.context.stroke();
    }
    now.points.forEach((name, k) => {
      const at = spots.get(name);
      const marker = markers[k];
      if (at === undefined || marker === undefined) return;
      const label = frame.points[name] ?? null;
      const isPlaced = label?.state === "placed" || hand?.keypoint === name;
      const isDashed = label === null ? isLow(frame.predicted[name]?.confidence ?? 1) : label.state === "invisible";
      drawMarker(paint.context, marker, at, { isFilled: isPlaced, alpha: 1, isDashed: isDashed && !isPlaced, isChosen: name === isChosen });
    });
    drawNearest(paint, [...spots].map(([name, at]) => ({ name, at })));
  };
}
