/** The strip under a live preview: what is measured in 150 frames to each side, filled in the background. */

import { useEffect, useRef, useState } from "preact/hooks";

import * as api from "../api";
import { BLOCK, lineAround, nextBlock, REACH, type Blocks } from "../around";
import { numbers } from "../envelope";
import { ANALYSIS, writeRegion, type Kind } from "../roi";
import { showFrame } from "./TimeBar";
import type { Wish } from "./usePreview";

const [WIDTH, HEIGHT] = [301, 60];
/** Time without a change after which the frames around are measured [ms]. */
const REST = 500;
const AGAIN = 1000;

/** The variable that is drawn, and its unit; the points of a face take too long. */
const SHOWN: Readonly<Partial<Record<Kind, readonly [string, string]>>> = {
  pupil: ["area", "px²"],
  motion: ["energy", "grey levels"],
  blink: ["darkness", "grey levels"],
  running: ["speed", "px/s"],
};

/** Fill in the frames around the shown one, a block at a time, as long as nothing else changes. */
function useAround(wish: Wish | null, n_frames: number): Blocks {
  const stamp = wish === null ? "" : JSON.stringify([wish.camera, writeRegion(wish.region), wish.parameters]);
  const [blocks, setBlocks] = useState<Blocks>(new Map());
  const kept = useRef<{ stamp: string; blocks: Blocks }>({ stamp: "", blocks: new Map() });
  const frame = wish?.frame ?? 0;
  useEffect(() => {
    const variable = wish === null ? undefined : SHOWN[wish.region.kind];
    if (kept.current.stamp !== stamp) {
      kept.current = { stamp, blocks: new Map() };
      setBlocks(kept.current.blocks);
    }
    if (wish === null || variable === undefined) return undefined;
    const stop = new AbortController();
    let timer = window.setTimeout(fill, REST);
    function fill(): void {
      const first = nextBlock(frame, n_frames, kept.current.blocks);
      if (wish === null || variable === undefined || first === null) return;
      const { camera, region, parameters } = wish;
      const wanted = { camera, frame: first, n: BLOCK, sight: false, analysis: ANALYSIS[region.kind], rois: [writeRegion(region)], parameters, panel: "around", seq: 0 };
      api
        .preview(wanted, stop.signal)
        .then((found) => {
          if (stop.signal.aborted) return;
          if (found.kind === "found") {
            const next = new Map(kept.current.blocks).set(first, numbers(found.body, variable[0]));
            kept.current = { stamp, blocks: next };
            setBlocks(next);
          }
          timer = window.setTimeout(fill, found.kind === "found" ? 0 : AGAIN);
        })
        .catch(() => undefined); // the live preview says what is wrong
    }
    return () => {
      window.clearTimeout(timer);
      stop.abort();
    };
  }, [stamp, frame, n_frames]);
  return blocks;
}

export function ValueStrip({ wish, n_frames }: { readonly wish: Wish | null; readonly n_frames: number }) {
  const blocks = useAround(wish, n_frames);
  const variable = wish === null ? undefined : SHOWN[wish.region.kind];
  if (wish === null || variable === undefined) return null;
  const { runs, least, most, n_known, n_all } = lineAround(wish.frame, n_frames, blocks);
  const x = (frame: number): number => frame - wish.frame + REACH + 0.5;
  const y = (value: number): number => (most > least ? HEIGHT - 3 - ((value - least) / (most - least)) * (HEIGHT - 6) : HEIGHT / 2);
  const told = Number.isFinite(least) ? `${least.toFixed(1)} to ${most.toFixed(1)} ${variable[1]}` : "no value yet";
  const filling = n_known < n_all ? `, ${Math.floor((100 * n_known) / Math.max(1, n_all))} % measured` : "";
  return (
    <figure class="around">
      <svg
        viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
        preserveAspectRatio="none"
        role="img"
        aria-label={`${variable[0]} of ${n_all} frames around frame ${wish.frame}: ${told}${filling}`}
        onClick={(event) => {
          const box = event.currentTarget.getBoundingClientRect();
          const to = wish.frame - REACH + Math.floor(((event.clientX - box.left) / box.width) * WIDTH);
          if (to >= 0 && to < n_frames) showFrame(to);
        }}
      >
        <line x1={x(wish.frame)} y1="0" x2={x(wish.frame)} y2={HEIGHT} />
        {runs.map((run) => (
          <polyline key={run[0]?.[0]} points={run.map(([frame, value]) => `${x(frame)},${y(value).toFixed(2)}`).join(" ")} />
        ))}
      </svg>
      <figcaption class="help number">
        {variable[0]}, ±{REACH} frames: {told}
        {filling}
      </figcaption>
    </figure>
  );
}
