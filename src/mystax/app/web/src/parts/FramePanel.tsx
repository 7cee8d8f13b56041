/** One camera: the picture of the present time, and the number that it carries. */

import { useSignalEffect } from "@preact/signals";
import { useEffect, useRef, useState } from "preact/hooks";

import * as api from "../api";
import type { CameraInfo } from "../api.gen";
import { shownAt } from "../clock";
import { Lru } from "../lru";
import { answered, failed, label, moved, REST, rested, start, type Seek, type Step } from "../seek";
import { clocks, isMoving, time, trouble } from "../state";

const CACHE_BYTES = 256 << 20;
const bitmaps = new Lru<string, ImageBitmap>(CACHE_BYTES, (bitmap) => bitmap.close());

interface Shown {
  readonly text: string;
  readonly note: string;
}

export function FramePanel({ camera }: { readonly camera: CameraInfo }) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const seek = useRef<Seek>(start);
  const flying = useRef(new Map<number, AbortController>());
  const timer = useRef(0);
  const [shown, setShown] = useState<Shown>({ text: "", note: "" });

  function hatch(note: string): void {
    const context = canvas.current?.getContext("2d");
    if (!context) return;
    const { width, height } = context.canvas;
    context.fillStyle = "#3a3d44";
    context.fillRect(0, 0, width, height);
    context.strokeStyle = "#6a6e77";
    for (let x = -height; x < width; x += 16) {
      context.beginPath();
      context.moveTo(x, height);
      context.lineTo(x + height, 0);
      context.stroke();
    }
    setShown({ text: "", note });
  }

  function draw(bitmap: ImageBitmap): void {
    const context = canvas.current?.getContext("2d");
    if (!context) return;
    context.imageSmoothingEnabled = false;
    context.drawImage(bitmap, 0, 0, context.canvas.width, context.canvas.height);
    setShown({ text: label(seek.current), note: "" });
    context.canvas.dataset["frame"] = String(seek.current.drawn?.frame ?? "");
    context.canvas.dataset["exact"] = String(seek.current.drawn?.isExact ?? false);
  }

  function take(step: Step): void {
    seek.current = step.state;
    for (const seq of step.drop ?? []) {
      flying.current.get(seq)?.abort();
      flying.current.delete(seq);
    }
    if (step.send === undefined) return;
    const { seq, frame, mode } = step.send;
    const kept = bitmaps.get(`${camera.id}/${frame}`);
    if (mode === "exact" && kept !== undefined) {
      take(answered(seek.current, { seq, frame }));
      draw(kept);
      return;
    }
    const stop = new AbortController();
    flying.current.set(seq, stop);
    const wish = { frame, mode, panel: camera.id, seq };
    api
      .frame(camera.id, mode === "exact" ? wish : { ...wish, width: 480 }, stop.signal)
      .then(async (picture) => {
        flying.current.delete(seq);
        if (picture === null) return take(failed(seek.current, seq));
        const bitmap = picture.blob === null ? null : await createImageBitmap(picture.blob);
        const step = answered(seek.current, { seq, frame: picture.frame });
        take(step);
        if (bitmap === null) {
          if (step.draw !== undefined) hatch(`frame ${picture.frame} could not be read (${picture.reason})`);
          return;
        }
        if (picture.isExact && mode === "exact") {
          bitmaps.set(`${camera.id}/${picture.frame}`, bitmap, bitmap.width * bitmap.height * 4);
        }
        if (step.draw !== undefined) draw(bitmap);
      })
      .catch((error: unknown) => {
        flying.current.delete(seq);
        take(failed(seek.current, seq));
        if (!(error instanceof DOMException)) trouble.value = String(error);
      });
  }

  useSignalEffect(() => {
    const clock = clocks.value.get(camera.id);
    const now = time.value;
    const moving = isMoving.value;
    if (clock === undefined) return;
    const { frame, gap } = shownAt(clock, now);
    window.clearTimeout(timer.current);
    if (frame === null) {
      hatch(Number.isFinite(gap) ? `no frame here (gap ${gap.toFixed(1)} s)` : "no frame here");
      return;
    }
    if (!moving) {
      take(rested(seek.current, frame));
      return;
    }
    take(moved(seek.current, frame));
    timer.current = window.setTimeout(() => take(rested(seek.current, frame)), REST);
  });

  useEffect(() => () => flying.current.forEach((one) => one.abort()), []);

  return (
    <figure class="panel" aria-label={`camera ${camera.name}`}>
      <div class="title">
        <span>{camera.name}</span>
        <output class="number" aria-label={`frame of ${camera.name}`}>
          {shown.text || shown.note}
        </output>
      </div>
      <canvas ref={canvas} width={camera.width} height={camera.height} role="img" aria-label={`picture of ${camera.name}`} />
    </figure>
  );
}
