/** Example bouts of a state in one grid, aligned at onset: frames of the video itself, no movie is made. */

import { useEffect, useRef, useState } from "preact/hooks";

import * as api from "../api";
import type { Bout, CameraInfo } from "../api.gen";
import { frameOf, framesOf, isInside, MOMENTS, nextMoment, ONSET } from "../clips";
import { timeText } from "../clock";
import { clocks, tell } from "../state";
import { showTime } from "./TimeBar";

/** Bouts of a grid, width of a tile that is asked for [px], and pictures under way at once. */
const BOUTS = 9;
const WIDE = 240;
const AT_ONCE = 4;
const BETWEEN = 100;

interface Shown {
  readonly bitmaps: Map<number, ImageBitmap>;
  readonly missing: Set<number>;
}

/** Fetch frames one after the other, a few at once, and tell when one has come. */
async function fetchAll(camera: string, frames: readonly number[], into: Shown, signal: AbortSignal, came: () => void): Promise<void> {
  const left = [...frames];
  const one = async (): Promise<void> => {
    for (let frame = left.shift(); frame !== undefined && !signal.aborted; frame = left.shift()) {
      const found = await api.frame(camera, { frame, mode: "exact", panel: "", seq: 0, width: WIDE }, signal);
      if (found === null || found.blob === null) into.missing.add(frame);
      else {
        const bitmap = await createImageBitmap(found.blob);
        if (signal.aborted) bitmap.close();
        else into.bitmaps.set(frame, bitmap);
      }
      came();
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, one));
}

interface TileProps {
  readonly bout: Bout;
  readonly camera: CameraInfo;
  readonly frame: number | null;
  readonly shown: Shown;
  readonly moment: number;
  readonly colour: string;
  /** Rises with each picture that has come. */
  readonly count: number;
}

function Tile({ bout, camera, frame, shown, moment, colour, count }: TileProps) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const bitmap = frame === null ? undefined : shown.bitmaps.get(frame);
  const isMissing = frame === null || shown.missing.has(frame);
  useEffect(() => {
    const host = canvas.current;
    const context = host?.getContext("2d");
    if (!host || !context) return;
    host.width = WIDE;
    host.height = Math.round((WIDE * camera.height) / camera.width);
    if (bitmap !== undefined) context.drawImage(bitmap, 0, 0, host.width, host.height);
    if (isInside(bout, moment)) {
      context.strokeStyle = colour;
      context.lineWidth = 8;
      context.strokeRect(0, 0, host.width, host.height);
    }
  }, [bitmap, count, moment, colour]);
  const go = (): void => showTime(bout.start);
  return (
    <button type="button" class="mask" aria-label={`go to the bout at ${timeText(bout.start)}`} onClick={go}>
      <canvas ref={canvas} data-frame={bitmap === undefined ? "" : String(frame)} />
      <span class="number">
        {timeText(bout.start)} <span class="muted">{isMissing ? "no frame here" : `frame ${frame.toLocaleString("en-US")}`}</span>
      </span>
    </button>
  );
}

interface Asked {
  readonly outcome: string;
  readonly state: number;
  readonly title: string;
  readonly camera: CameraInfo;
  readonly colour: string;
}

export function Clips({ outcome, state, title, camera, colour }: Asked) {
  const [bouts, setBouts] = useState<readonly Bout[] | null>(null);
  const [count, setCount] = useState(0);
  const [k, setK] = useState(ONSET);
  const [isRunning, setRunning] = useState(false);
  const shown = useRef<Shown>({ bitmaps: new Map(), missing: new Set() });
  const clock = clocks.value.get(camera.id);
  useEffect(() => {
    const stop = new AbortController();
    const mine: Shown = { bitmaps: new Map(), missing: new Set() };
    shown.current = mine;
    setBouts(null);
    setRunning(false);
    setK(ONSET);
    api
      .bouts(outcome, state, BOUTS)
      .then(async (found) => {
        if (stop.signal.aborted) return;
        setBouts(found);
        if (clock === undefined) return;
        await fetchAll(camera.id, framesOf(found, clock), mine, stop.signal, () => !stop.signal.aborted && setCount((n) => n + 1));
      })
      .catch(tell);
    return () => {
      stop.abort();
      for (const bitmap of mine.bitmaps.values()) bitmap.close();
    };
  }, [outcome, state, camera.id, clock]);
  useEffect(() => {
    if (!isRunning) return undefined;
    const timer = window.setInterval(() => setK(nextMoment), BETWEEN);
    return () => window.clearInterval(timer);
  }, [isRunning]);
  if (bouts === null || clock === undefined) return null;
  const moment = MOMENTS[k] ?? 0;
  return (
    <>
      <h3>Example bouts of {title}</h3>
      {bouts.length === 0 && <p class="muted">There is no bout of this state.</p>}
      {bouts.length > 0 && (
        <>
          <div class="tools">
            <button type="button" aria-label="play the bouts" aria-pressed={isRunning} onClick={() => setRunning(!isRunning)}>
              {isRunning ? "pause" : "play"}
            </button>
            <input
              type="range"
              min={0}
              max={MOMENTS.length - 1}
              step={1}
              value={k}
              aria-label="time from the onset of the bouts"
              aria-valuetext={`${moment.toFixed(1)} s from onset`}
              onInput={(event) => {
                setRunning(false);
                setK(Number(event.currentTarget.value));
              }}
            />
            <span class="number muted">{`${moment < 0 ? "-" : "+"}${Math.abs(moment).toFixed(1)} s from onset; framed while the bout lasts`}</span>
          </div>
          <div class="grid clips">
            {bouts.map((bout) => (
              <Tile key={bout.start} bout={bout} camera={camera} frame={frameOf(bout, clock, moment)} shown={shown.current} moment={moment} colour={colour} count={count} />
            ))}
          </div>
        </>
      )}
    </>
  );
}
