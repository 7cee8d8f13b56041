/** The live preview of a region: the newest wish wins, whatever order the answers come in. */

import { useEffect, useRef, useState } from "preact/hooks";

import * as api from "../api";
import { numbers, type Envelope } from "../envelope";
import { ended, idle, wanted, type Newest, type Next } from "../newest";
import { ANALYSIS, bounds, writeRegion, type Region } from "../roi";
import { sightOf, type Sight } from "../sight";
import { wordsOf } from "../state";
import type { Found } from "./overlays";
import { parametersOf, refuse } from "./ParameterForm";

export interface Wish {
  readonly camera: string;
  readonly frame: number;
  readonly region: Region;
  readonly parameters: Readonly<Record<string, unknown>>;
}

export interface Preview {
  /** What is drawn on the picture. */
  readonly found: Found | null;
  /** What is written beside it: name, value, unit. */
  readonly lines: ReadonlyArray<readonly [string, string]>;
  /** What the fit has seen; null for analyses that show nothing, and for a frame that could not be read. */
  readonly sight: Sight | null;
  /** How long it took [ms]. */
  readonly took: number;
  readonly error: string | null;
  /** Since when its loops are being compiled [s]; null where they are not. */
  readonly preparing: number | null;
}

/** Time between two questions whether what is compiled is ready [ms]. */
const AGAIN = 400;

export const nothing: Preview = { found: null, lines: [], sight: null, took: 0, error: null, preparing: null };

function one(body: Envelope, name: string, k = 0): number {
  return numbers(body, name)[k] ?? NaN;
}

function text(value: number, digits: number, unit: string): string {
  return Number.isFinite(value) ? `${value.toFixed(digits)} ${unit}`.trim() : "missing";
}

/** Read what an analysis has found in one frame. */
function read(body: Envelope, { frame, region }: Wish): Pick<Preview, "found" | "lines"> {
  if (region.kind === "pupil") {
    const [x, y] = [one(body, "centre"), one(body, "centre", 1)];
    const ellipse = { x, y, major: one(body, "major"), minor: one(body, "minor"), angle: one(body, "angle") };
    return {
      found: Number.isFinite(x) ? { frame, ellipse } : null,
      lines: [
        ["area", text(one(body, "area"), 1, "px²")],
        ["diameter", text(one(body, "diameter"), 2, "px")],
        ["centre", `${text(x, 1, "")}, ${text(y, 1, "px")}`],
        ["confidence", text(one(body, "confidence"), 2, "")],
        ["rim seen", text(one(body, "rim_seen"), 2, "")],
      ],
    };
  }
  if (region.kind === "motion") {
    return {
      found: null,
      lines: [
        ["motion energy", text(one(body, "energy"), 3, "grey levels")],
        ["brightness", text(one(body, "brightness"), 1, "grey levels")],
        ["saturated", text(100 * one(body, "saturated"), 1, "%")],
      ],
    };
  }
  if (region.kind === "blink") return { found: null, lines: [["darkness", text(one(body, "darkness"), 2, "grey levels")]] };
  if (region.kind === "running") {
    const by = { x: one(body, "shift"), y: one(body, "shift", 1) };
    const { left, right, top, bottom } = bounds(region.shape);
    const from = { x: (left + right) / 2, y: (top + bottom) / 2 };
    return {
      found: Number.isFinite(by.x) ? { frame, arrow: { from, by } } : null,
      lines: [
        ["shift", `${text(by.x, 2, "")}, ${text(by.y, 2, "px")}`],
        ["speed", text(one(body, "speed"), 1, "px/s")],
        ["peak", text(one(body, "peak"), 1, "sd")],
      ],
    };
  }
  const places = numbers(body, "position_raw");
  const n = places.length / 2;
  const points = Array.from({ length: n }, (_, k) => ({ x: places[k] ?? NaN, y: places[n + k] ?? NaN }));
  const sure = [...numbers(body, "confidence")].filter(Number.isFinite);
  const mean = sure.reduce((sum, value) => sum + value, 0) / sure.length;
  return { found: { frame, points: points.filter(({ x }) => Number.isFinite(x)) }, lines: [["points", String(n)], ["mean confidence", text(mean, 2, "")]] };
}

/** Ask for a preview whenever the wish changes; null asks for none. */
export function usePreview(wish: Wish | null): Preview {
  const state = useRef<Newest<Wish>>(idle);
  const isGone = useRef(false);
  const timer = useRef(0);
  const latest = useRef<Wish | null>(null);
  const [shown, setShown] = useState<Preview>(nothing);
  const stamp = wish === null ? "" : JSON.stringify([wish.camera, wish.frame, writeRegion(wish.region), wish.parameters]);

  function follow(next: Next<Wish>): void {
    state.current = next.state;
    if (next.send === undefined || isGone.current) return;
    const { seq, wish: asked } = next.send;
    const { camera, frame, region, parameters } = asked;
    const begin = performance.now();
    const request = { camera, frame, n: 1, sight: true, analysis: ANALYSIS[region.kind], rois: [writeRegion(region)], parameters, panel: "preview", seq };
    api
      .preview(request)
      .then((found) => {
        const after = ended(state.current, seq, found.kind === "found");
        if (found.kind === "found" && after.isShown === true) {
          setShown({ ...nothing, ...read(found.body, asked), sight: sightOf(found.body), took: performance.now() - begin });
        }
        follow(after);
        if (found.kind !== "preparing" || latest.current === null || isGone.current) return;
        setShown({ ...nothing, preparing: found.seconds });
        const again = latest.current;
        if (after.send === undefined) timer.current = window.setTimeout(() => follow(wanted(state.current, again)), AGAIN);
      })
      .catch((error: unknown) => {
        if (JSON.stringify(parameters) === JSON.stringify(parametersOf(ANALYSIS[region.kind]))) refuse(error);
        setShown({ ...nothing, error: wordsOf(error) });
        follow(ended(state.current, seq, false));
      });
  }

  useEffect(() => {
    window.clearTimeout(timer.current);
    latest.current = wish;
    if (wish === null) setShown(nothing);
    else follow(wanted(state.current, wish));
  }, [stamp]);
  useEffect(
    () => () => {
      isGone.current = true;
      window.clearTimeout(timer.current);
    },
    [],
  );
  return shown;
}
