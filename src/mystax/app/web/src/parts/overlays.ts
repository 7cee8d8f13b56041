/** What is drawn on a picture: keypoints, regions, and what a preview has found. */

import { distance, toScreen, type Point } from "../geometry";
import { corners, isLow, markersOf, opacity, type Marker } from "../markers";
import { palette } from "../palette.gen";
import { handles, outline, type Region } from "../roi";
import { trailsAt } from "../trails";
import type { Overlay, Paint } from "./FramePanel";
import { pointsAt, type FramePoints } from "./points";

const RADIUS = 4.5;
const NEAR = 12;

/** Trace a marker around a place of the screen. */
export function traceMarker(context: CanvasRenderingContext2D, marker: Marker, at: Point, radius = RADIUS): void {
  context.beginPath();
  const points = corners(marker.figure, marker.figure === "circle" ? radius : radius * 1.2);
  if (points.length === 0) context.arc(at.x, at.y, radius, 0, 2 * Math.PI);
  points.forEach(([x, y], k) => (k === 0 ? context.moveTo(at.x + x, at.y + y) : context.lineTo(at.x + x, at.y + y)));
  context.closePath();
}

interface Look {
  readonly isFilled: boolean;
  readonly alpha: number;
  readonly isDashed: boolean;
  readonly isChosen?: boolean;
}

/** Draw a marker with one dark and one light outline, so that it is seen on any picture. */
export function drawMarker(context: CanvasRenderingContext2D, marker: Marker, at: Point, look: Look): void {
  context.save();
  traceMarker(context, marker, at);
  context.lineWidth = 3;
  context.strokeStyle = "#000a";
  context.stroke();
  if (look.isFilled) {
    context.globalAlpha = look.alpha;
    context.fillStyle = marker.colour;
    context.fill();
    context.globalAlpha = 1;
  }
  context.setLineDash(look.isDashed ? [3, 2.5] : []);
  context.lineWidth = 1.2;
  context.strokeStyle = look.isFilled && !look.isDashed ? "#fff" : marker.colour;
  context.stroke();
  if (look.isChosen === true) {
    context.setLineDash([]);
    context.beginPath();
    context.arc(at.x, at.y, RADIUS + 5, 0, 2 * Math.PI);
    context.strokeStyle = "#fff";
    context.lineWidth = 1.5;
    context.stroke();
  }
  context.restore();
}

/** Write a word beside a place, readable on any picture. */
export function drawWord(context: CanvasRenderingContext2D, word: string, at: Point): void {
  context.save();
  context.font = "12px system-ui, sans-serif";
  context.lineWidth = 3;
  context.lineJoin = "round";
  context.strokeStyle = "#000c";
  context.strokeText(word, at.x + 9, at.y - 7);
  context.fillStyle = "#fff";
  context.fillText(word, at.x + 9, at.y - 7);
  context.restore();
}

/** The name of the point under the pointer. */
export function drawNearest(paint: Paint, places: ReadonlyArray<{ readonly name: string; readonly at: Point }>): void {
  const { hover, view } = paint;
  if (hover === null) return;
  const pointer = toScreen(view, hover);
  const near = places
    .map(({ name, at }) => ({ name, at, off: distance(at, pointer) }))
    .filter(({ off }) => off <= NEAR)
    .sort((a, b) => a.off - b.off)[0];
  if (near !== undefined) drawWord(paint.context, near.name, near.at);
}

/** How predicted keypoints are drawn: hollow beside others, and with the way that they have gone. */
export interface KeypointLook {
  readonly isHollow?: boolean;
  /** Frames before and after the shown one whose places are joined to a line. */
  readonly trail?: number;
}

function placesOf(found: FramePoints | null): ReadonlyArray<Point | null> | null {
  if (found === null) return null;
  return found.names.map((_, k) => {
    const [x, y] = [found.places[k * found.n_space] ?? NaN, found.places[k * found.n_space + 1] ?? NaN];
    return Number.isFinite(x + y) ? { x, y } : null;
  });
}

function drawTrails({ context, view, frame }: Paint, outcome: string, reach: number): void {
  context.save();
  context.lineJoin = "round";
  for (const way of trailsAt((one) => placesOf(pointsAt(outcome, one)), frame, reach)) {
    context.beginPath();
    way.map((place) => toScreen(view, place)).forEach(({ x, y }, k) => (k === 0 ? context.moveTo(x, y) : context.lineTo(x, y)));
    for (const [width, style] of [[3, "#0008"], [1.2, "#fffb"]] as const) {
      context.lineWidth = width;
      context.strokeStyle = style;
      context.stroke();
    }
  }
  context.restore();
}

/** Predicted keypoints: confidence as opacity, dashed where it is low. */
export function keypointsOf(outcome: string, { isHollow = false, trail = 0 }: KeypointLook = {}): Overlay {
  return (paint) => {
    const found = pointsAt(outcome, paint.frame);
    const seen = placesOf(found);
    if (found === null || seen === null) return;
    if (trail > 0) drawTrails(paint, outcome, trail);
    const markers = markersOf(found.names);
    const places: Array<{ name: string; at: Point }> = [];
    found.names.forEach((name, k) => {
      const confidence = found.confidence[k] ?? NaN;
      const [marker, place] = [markers[k], seen[k]];
      if (marker === undefined || place == null) return;
      const at = toScreen(paint.view, place);
      drawMarker(paint.context, marker, at, { isFilled: !isHollow, alpha: opacity(confidence), isDashed: isLow(confidence) });
      places.push({ name: `${name}  ${confidence.toFixed(2)}`, at });
    });
    drawNearest(paint, places);
  };
}

/** Regions with the handles of the chosen one. */
export function regionsOf(regions: readonly Region[], chosen: string | null): Overlay {
  return ({ context, view }) => {
    for (const region of regions) {
      const isChosen = region.name === chosen;
      const points = outline(region.shape).map((point) => toScreen(view, point));
      context.beginPath();
      points.forEach(({ x, y }, k) => (k === 0 ? context.moveTo(x, y) : context.lineTo(x, y)));
      context.closePath();
      context.lineWidth = isChosen ? 4 : 3;
      context.strokeStyle = "#0009";
      context.stroke();
      context.lineWidth = isChosen ? 2 : 1.3;
      context.strokeStyle = palette.regions[region.kind];
      context.stroke();
      const corner = points.reduce((best, one) => (one.y < best.y ? one : best), points[0] ?? { x: 0, y: 0 });
      // A pupil lies inside the lids: its name goes below, theirs above.
      const lowest = points.reduce((best, one) => (one.y > best.y ? one : best), corner);
      const at = region.kind === "pupil" ? { x: lowest.x, y: lowest.y + 24 } : { x: corner.x, y: Math.max(corner.y, 22) };
      drawWord(context, region.name, { x: at.x - 9, y: at.y });
      if (!isChosen) continue;
      for (const { id, at } of handles(region.shape)) {
        const { x, y } = toScreen(view, at);
        context.beginPath();
        if (id === "turn") context.arc(x, y, 4.5, 0, 2 * Math.PI);
        else context.rect(x - 4, y - 4, 8, 8);
        context.fillStyle = "#fff";
        context.fill();
        context.lineWidth = 1.5;
        context.strokeStyle = "#000";
        context.stroke();
      }
    }
  };
}

export interface Found {
  readonly frame: number;
  readonly ellipse?: { readonly x: number; readonly y: number; readonly major: number; readonly minor: number; readonly angle: number };
  readonly arrow?: { readonly from: Point; readonly by: Point };
  readonly points?: ReadonlyArray<Point>;
}

/** What the preview has found in the frame that is shown, and in no other one. */
export function foundOf(found: Found | null): Overlay {
  return ({ context, view, frame }) => {
    if (found === null || found.frame !== frame) return;
    context.save();
    context.strokeStyle = "#fff";
    context.shadowColor = "#000";
    context.shadowBlur = 3;
    context.lineWidth = 1.6;
    if (found.ellipse !== undefined) {
      const { x, y, major, minor, angle } = found.ellipse;
      const at = toScreen(view, { x, y });
      context.beginPath();
      context.ellipse(at.x, at.y, (major * view.scale) / 2, (minor * view.scale) / 2, angle, 0, 2 * Math.PI);
      context.stroke();
      context.beginPath();
      context.moveTo(at.x - 4, at.y);
      context.lineTo(at.x + 4, at.y);
      context.moveTo(at.x, at.y - 4);
      context.lineTo(at.x, at.y + 4);
      context.stroke();
    }
    if (found.arrow !== undefined) {
      const { from, by } = found.arrow;
      const a = toScreen(view, from);
      const b = toScreen(view, { x: from.x + by.x, y: from.y + by.y });
      const angle = Math.atan2(b.y - a.y, b.x - a.x);
      context.beginPath();
      context.moveTo(a.x, a.y);
      context.lineTo(b.x, b.y);
      for (const turn of [2.6, -2.6]) {
        context.moveTo(b.x, b.y);
        context.lineTo(b.x + 8 * Math.cos(angle + turn), b.y + 8 * Math.sin(angle + turn));
      }
      context.stroke();
    }
    for (const point of found.points ?? []) {
      const { x, y } = toScreen(view, point);
      context.beginPath();
      context.arc(x, y, 3, 0, 2 * Math.PI);
      context.stroke();
    }
    context.restore();
  };
}
