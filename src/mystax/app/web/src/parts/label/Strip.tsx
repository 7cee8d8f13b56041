/** The strip under the picture: 150 frames to each side, with labels, suggestions, and how the chosen point moves. */

import { useSignalEffect } from "@preact/signals";
import { useEffect, useRef, useState } from "preact/hooks";

import type { RecordingInfo } from "../../api.gen";
import { labelledFrames } from "../../labels";
import { poseOf } from "../../pose";
import { clocks, focus, focusFrame } from "../../state";
import { AROUND, cellsAround, cellText, columnOf, frameUnder, stripText, topStep, type Cell, type Facts, type Sample } from "../../strip";
import { labels, suggestions } from "../labelDesk";
import { pointsAt, pointsCome } from "../points";
import { isLight } from "../theme";
import { showFrame } from "../TimeBar";
import { chosen } from "./hand";

const HEIGHT = 64;
const MARKS = 14;

/** What is known of the frames of the camera in focus. */
function factsOf(recording: RecordingInfo): Facts {
  const camera = focus.value;
  const id = camera?.id ?? "";
  const pose = camera === null ? null : poseOf(recording, camera.name);
  const name = chosen.value;
  const sample = (frame: number): Sample | null => {
    const found = pose === null ? null : pointsAt(pose.id, frame);
    const k = found?.names.indexOf(name) ?? -1;
    if (found === null || k < 0) return null;
    const [x, y] = [found.places[k * found.n_space] ?? NaN, found.places[k * found.n_space + 1] ?? NaN];
    return { x, y, confidence: found.confidence[k] ?? NaN, flag: found.flags[k] ?? 0 };
  };
  return {
    n_frames: clocks.value.get(id)?.times.length ?? 0,
    labelled: new Set(labels.value === null ? [] : labelledFrames(labels.value, id)),
    reasons: new Map((suggestions.value ?? []).filter((one) => one.camera === id).map((one) => [one.frame, one.reason])),
    sample,
  };
}

function paint(canvas: HTMLCanvasElement, cells: readonly Cell[], middle: number): void {
  const context = canvas.getContext("2d");
  if (context === null) return;
  const ratio = window.devicePixelRatio;
  const width = canvas.clientWidth;
  [canvas.width, canvas.height] = [Math.round(width * ratio), HEIGHT * ratio];
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  const style = getComputedStyle(canvas);
  const colour = (name: string): string => style.getPropertyValue(name);
  const column = width / (2 * AROUND + 1);
  const [top, floor] = [topStep(cells), HEIGHT - 5];
  context.fillStyle = colour("--line");
  context.fillRect(columnOf(middle, middle, width) - 0.5, 0, column + 1, HEIGHT);
  for (const cell of cells) {
    const x = columnOf(cell.frame, middle, width);
    context.fillStyle = cell.isJump ? colour("--error") : colour("--muted");
    const high = Number.isFinite(cell.step) ? (cell.step / top) * (floor - MARKS - 2) : 0;
    context.fillRect(x, floor - high, Math.max(1, column - 0.5), high);
    context.fillStyle = "#cc79a7";
    if (cell.isLow) context.fillRect(x, floor + 1, column, 3);
  }
  for (const cell of cells) {
    const x = columnOf(cell.frame, middle, width) + column / 2;
    context.fillStyle = colour("--link");
    if (cell.isLabelled) context.fillRect(x - 2.5, 1, 5, MARKS - 4);
    if (cell.reason === "") continue;
    context.strokeStyle = colour("--warning");
    context.lineWidth = 2;
    context.beginPath();
    context.arc(x, MARKS / 2 - 1, 4, 0, 2 * Math.PI);
    context.stroke();
  }
}

export function Strip({ recording }: { readonly recording: RecordingInfo }) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const [cells, setCells] = useState<readonly Cell[]>([]);
  const [told, setTold] = useState("");
  const middle = focusFrame.value ?? 0;

  useSignalEffect(() => {
    void pointsCome.value;
    const now = focusFrame.value;
    if (now !== null) setCells(cellsAround(now, factsOf(recording)));
  });
  useEffect(() => {
    const host = canvas.current;
    if (host === null) return undefined;
    paint(host, cells, middle);
    const watch = new ResizeObserver(() => paint(host, cells, middle));
    watch.observe(host);
    return () => watch.disconnect();
  }, [cells, middle, isLight.value]);

  const n_frames = clocks.value.get(focus.value?.id ?? "")?.times.length ?? 0;
  const under = (event: MouseEvent): number | null => frameUnder(event.offsetX, middle, canvas.current?.clientWidth ?? 1, n_frames);
  return (
    <figure class="strip">
      <canvas
        ref={canvas}
        role="img"
        aria-label={stripText(cells)}
        height={HEIGHT}
        onClick={(event) => {
          const frame = under(event);
          if (frame !== null) showFrame(frame);
        }}
        onPointerMove={(event) => {
          const cell = cells.find((one) => one.frame === under(event));
          setTold(cell === undefined ? "" : cellText(cell));
        }}
        onPointerLeave={() => setTold("")}
      />
      <figcaption>
        <span class="key labelled">labelled</span>
        <span class="key suggested">suggested</span>
        <span class="key jump">jump</span>
        <span class="key low">low confidence</span>
        <span class="muted">{told || `step of ${chosen.value} from frame to frame, up to ${topStep(cells).toFixed(1)} px; ±${AROUND} frames`}</span>
      </figcaption>
    </figure>
  );
}
