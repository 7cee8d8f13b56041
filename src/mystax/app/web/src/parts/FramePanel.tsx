/** One camera: the picture of the present time, the number that it carries, and what is drawn on it. */

import { useSignalEffect } from "@preact/signals";
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";

import * as api from "../api";
import type { CameraInfo } from "../api.gen";
import { shownAt } from "../clock";
import { fitted, panned, toPicture, zoomed, type Point, type View } from "../geometry";
import { Lru } from "../lru";
import { ahead, answered, failed, label, left, moved, played, reshaped, REST, rested, skipped, start, type Seek, type Step } from "../seek";
import { brightness, clocks, contrast, fits, isLossless, isMoving, playing, ranges, skips, time, travel, trouble } from "../state";

const CACHE_BYTES = 256 << 20;
const PREVIEW_WIDTH = 480;
const bitmaps = new Lru<string, ImageBitmap>(CACHE_BYTES, (bitmap) => bitmap.close());

/** What an overlay draws on: screen pixels, and the frame of the picture below it. */
export interface Paint {
  readonly context: CanvasRenderingContext2D;
  readonly view: View;
  readonly frame: number;
  readonly hover: Point | null;
}

export type Overlay = (paint: Paint) => void;

/** A place that the pointer has reached. */
export interface At {
  readonly picture: Point;
  /** Screen pixels per picture pixel. */
  readonly scale: number;
  /** The frame whose exact picture is below; null where it is another one, or none. */
  readonly frame: number | null;
}

export interface Tool {
  readonly cursor: string;
  readonly down: (at: At) => void;
  readonly move?: (at: At) => void;
  readonly up?: (at: At) => void;
  readonly double?: (at: At) => void;
}

interface Props {
  readonly camera: CameraInfo;
  readonly overlays?: readonly Overlay[];
  readonly tool?: Tool;
}

interface Shown {
  readonly text: string;
  readonly note: string;
}

export function FramePanel({ camera, overlays = [], tool }: Props) {
  const stage = useRef<HTMLDivElement>(null);
  const picture = useRef<HTMLCanvasElement>(null);
  const above = useRef<HTMLCanvasElement>(null);
  const seek = useRef<Seek>(start);
  const flying = useRef(new Map<number, AbortController>());
  const timer = useRef(0);
  const view = useRef<View>({ scale: 1, left: 0, top: 0 });
  const isFitted = useRef(true);
  /** Of the stage on the screen; asked for only where it may have changed, as asking lays the page out. */
  const size = useRef<readonly [number, number] | null>(null);
  const hover = useRef<Point | null>(null);
  const panFrom = useRef<Point | null>(null);
  const isHeld = useRef(false);
  const [shown, setShown] = useState<Shown>({ text: "", note: "" });
  /** In which form pictures are wanted: a picture of another form is another one. */
  const form = (): string => `${isLossless.value ? "png" : "jpeg"}/${ranges.value.get(camera.id)?.join("-") ?? ""}`;
  const shownForm = useRef(form());
  const key = (frame: number): string => `${camera.id}/${frame}/${form()}`;

  function shape(): Pick<api.FrameWish, "isLossless" | "low" | "high"> {
    const range = ranges.peek().get(camera.id);
    return { isLossless: isLossless.peek(), ...(range === undefined ? {} : { low: range[0], high: range[1] }) };
  }

  /** Draw the overlays for the frame that is on the screen: never for the one that is only wanted. */
  function paintAbove(): void {
    const context = above.current?.getContext("2d");
    const frame = seek.current.drawn?.frame;
    if (!context) return;
    const ratio = window.devicePixelRatio;
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.clearRect(0, 0, context.canvas.width, context.canvas.height);
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.canvas.dataset["frame"] = frame === undefined ? "" : String(frame);
    if (frame === undefined || picture.current?.dataset["missing"] === "true") return;
    for (const overlay of overlays) overlay({ context, view: view.current, frame, hover: hover.current });
  }

  function place(): void {
    const host = stage.current;
    const [canvas, top] = [picture.current, above.current];
    if (host === null || canvas === null || top === null) return;
    size.current ??= [host.clientWidth, host.clientHeight];
    const [width, height] = size.current;
    if (isFitted.current) view.current = fitted(camera.width, camera.height, width, height);
    const { scale, left, top: from } = view.current;
    canvas.style.transform = `translate(${left}px, ${from}px) scale(${scale})`;
    canvas.style.imageRendering = scale >= 2 ? "pixelated" : "auto";
    const ratio = window.devicePixelRatio;
    const [w, h] = [Math.round(width * ratio), Math.round(height * ratio)];
    if (top.width !== w || top.height !== h) [top.width, top.height] = [w, h];
    paintAbove();
  }

  function hatch(note: string): void {
    const context = picture.current?.getContext("2d");
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
    context.canvas.dataset["missing"] = "true";
    context.canvas.dataset["frame"] = String(seek.current.drawn?.frame ?? "");
    setShown({ text: "", note });
    paintAbove();
  }

  function draw(bitmap: ImageBitmap): void {
    const context = picture.current?.getContext("2d");
    if (!context) return;
    context.imageSmoothingEnabled = false;
    context.drawImage(bitmap, 0, 0, context.canvas.width, context.canvas.height);
    context.canvas.dataset["missing"] = "false";
    context.canvas.dataset["frame"] = String(seek.current.drawn?.frame ?? "");
    context.canvas.dataset["exact"] = String(seek.current.drawn?.isExact ?? false);
    setShown({ text: label(seek.current), note: offText() });
    paintAbove();
  }

  /** How far the shown frame is from the time, where that is more than half an interval. */
  function offText(): string {
    const clock = clocks.peek().get(camera.id);
    const frame = seek.current.drawn?.frame;
    const own = frame === undefined ? undefined : clock?.times[frame];
    if (clock === undefined || own === undefined) return "";
    const off = own - time.peek();
    return Math.abs(off) > clock.interval / 2 ? `${off > 0 ? "+" : "−"}${Math.round(Math.abs(off) * 1000)} ms` : "";
  }

  function readAhead(frame: number): void {
    const n = camera.n_frames;
    const next = ahead(frame, travel.peek(), n, (one) => bitmaps.has(key(one)) || fetching.has(key(one)));
    for (const one of next) {
      const name = key(one);
      fetching.add(name);
      api
        .frame(camera.id, { frame: one, mode: "exact", panel: "", seq: 0, ...shape() })
        .then(async (found) => {
          if (found === null || found.blob === null) return;
          const bitmap = await createImageBitmap(found.blob);
          bitmaps.set(name, bitmap, bitmap.width * bitmap.height * 4);
        })
        .catch(() => undefined)
        .finally(() => fetching.delete(name));
    }
  }

  function show(step: Step, bitmap: ImageBitmap): void {
    const before = seek.current.drawn?.frame ?? null;
    take(step);
    if (step.draw === undefined) return;
    if (playing.peek()) skips.value += skipped(before, step.draw.frame);
    draw(bitmap);
    if (step.draw.isExact) readAhead(step.draw.frame);
  }

  function take(step: Step): void {
    seek.current = step.state;
    for (const seq of step.drop ?? []) {
      flying.current.get(seq)?.abort();
      flying.current.delete(seq);
    }
    if (step.send === undefined) return;
    const { seq, frame, mode } = step.send;
    const kept = bitmaps.get(key(frame));
    if (kept !== undefined) {
      show(answered(seek.current, { seq, frame }), kept);
      return;
    }
    const stop = new AbortController();
    flying.current.set(seq, stop);
    const wish = { frame, mode, panel: camera.id, seq };
    const name = key(frame);
    api
      .frame(
        camera.id,
        mode === "exact" ? { ...wish, ...shape() } : { ...wish, ...shape(), isLossless: false, width: PREVIEW_WIDTH },
        stop.signal,
      )
      .then(async (found) => {
        flying.current.delete(seq);
        if (found === null) return take(failed(seek.current, seq));
        const bitmap = found.blob === null ? null : await createImageBitmap(found.blob);
        const next = answered(seek.current, { seq, frame: found.frame });
        if (bitmap === null) {
          take(next);
          if (next.draw !== undefined) hatch(`frame ${found.frame} could not be read (${found.reason})`);
          return;
        }
        if (found.isExact && mode === "exact") bitmaps.set(name, bitmap, bitmap.width * bitmap.height * 4);
        show(next, bitmap);
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
    const wanted = form();
    if (clock === undefined) return;
    const { frame, gap } = shownAt(clock, now);
    window.clearTimeout(timer.current);
    if (frame === null) {
      take(left(seek.current));
      hatch(Number.isFinite(gap) ? `no frame here (gap ${gap.toFixed(1)} s)` : "no frame here");
      return;
    }
    const isReshaped = wanted !== shownForm.current;
    shownForm.current = wanted;
    if (playing.peek()) take(played(seek.current, frame));
    else if (isReshaped) take(reshaped(seek.current, frame));
    else if (!moving) take(rested(seek.current, frame));
    else take(moved(seek.current, frame));
    if (moving) timer.current = window.setTimeout(() => take(rested(seek.current, frame)), REST);
    else if (picture.current?.dataset["missing"] === "true" && seek.current.drawn?.frame === frame) {
      const kept = bitmaps.get(key(frame));
      if (kept === undefined) take(reshaped(seek.current, frame));
      else draw(kept);
    }
  });

  // When play stops, the exact frame of where it stopped is shown.
  useSignalEffect(() => {
    if (playing.value) return;
    const clock = clocks.peek().get(camera.id);
    const frame = clock === undefined ? null : shownAt(clock, time.peek()).frame;
    if (frame !== null && !isMoving.peek()) take(rested(seek.current, frame));
  });

  useSignalEffect(() => {
    if (fits.value < 0) return;
    isFitted.current = true;
    place();
  });

  useEffect(() => {
    const host = stage.current;
    if (host === null) return undefined;
    const watch = new ResizeObserver(() => {
      size.current = null;
      place();
    });
    watch.observe(host);
    const wheel = (event: WheelEvent): void => {
      if (event.altKey) return;
      event.preventDefault();
      isFitted.current = false;
      view.current = zoomed(view.current, local(event), Math.exp(-event.deltaY / 400));
      place();
    };
    host.addEventListener("wheel", wheel, { passive: false });
    return () => {
      watch.disconnect();
      host.removeEventListener("wheel", wheel);
      flying.current.forEach((one) => one.abort());
      window.clearTimeout(timer.current);
    };
  }, []);

  useLayoutEffect(place);

  function local(event: MouseEvent): Point {
    const box = stage.current?.getBoundingClientRect();
    return { x: event.clientX - (box?.left ?? 0), y: event.clientY - (box?.top ?? 0) };
  }

  function at(event: MouseEvent): At {
    const { drawn } = seek.current;
    const frame = drawn?.isExact === true && picture.current?.dataset["missing"] !== "true" ? drawn.frame : null;
    return { picture: toPicture(view.current, local(event)), scale: view.current.scale, frame };
  }

  function down(event: PointerEvent): void {
    if (!(event.currentTarget instanceof HTMLElement)) return;
    if (event.button === 1 || tool === undefined) {
      if (isFitted.current && event.button !== 1) return;
      panFrom.current = local(event);
    } else {
      isHeld.current = true;
      tool.down(at(event));
    }
    event.currentTarget.setPointerCapture(event.pointerId);
    event.preventDefault();
  }

  function move(event: PointerEvent): void {
    const now = local(event);
    if (panFrom.current !== null) {
      isFitted.current = false;
      view.current = panned(view.current, now.x - panFrom.current.x, now.y - panFrom.current.y);
      panFrom.current = now;
      place();
      return;
    }
    hover.current = toPicture(view.current, now);
    tool?.move?.(at(event));
    paintAbove();
  }

  function up(event: PointerEvent): void {
    panFrom.current = null;
    if (isHeld.current) tool?.up?.(at(event));
    isHeld.current = false;
  }

  return (
    <figure class="panel" aria-label={`camera ${camera.name}`}>
      <div class="title">
        <span>{camera.name}</span>
        <output class="number" aria-label={`frame of ${camera.name}`}>
          {[shown.text, shown.note].filter((word) => word !== "").join("  ")}
        </output>
      </div>
      <div
        ref={stage}
        class="stage"
        style={{ aspectRatio: `${camera.width} / ${camera.height}`, cursor: tool?.cursor ?? "default" }}
        onPointerDown={down}
        onPointerMove={move}
        onPointerUp={up}
        onPointerLeave={() => {
          hover.current = null;
          paintAbove();
        }}
        onDblClick={(event) => tool?.double?.(at(event))}
        onContextMenu={(event) => event.preventDefault()}
      >
        <canvas
          ref={picture}
          class="picture"
          data-camera={camera.id}
          width={camera.width}
          height={camera.height}
          style={{ filter: filterOf(brightness.value, contrast.value) }}
          role="img"
          aria-label={`picture of ${camera.name}`}
        />
        <canvas ref={above} class="above" aria-hidden="true" />
      </div>
    </figure>
  );
}

/** A filter only where it changes something: the browser draws a filtered picture twice in each of its frames. */
const filterOf = (light: number, spread: number): string =>
  light === 1 && spread === 1 ? "none" : `brightness(${light}) contrast(${spread})`;

/** Pictures that are being fetched beyond the shown ones. */
const fetching = new Set<string>();
