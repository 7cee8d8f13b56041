/** A trace over time: minima and maxima of what each pixel covers; gaps stay gaps. */

import { useSignalEffect } from "@preact/signals";
import { useEffect, useRef, useState } from "preact/hooks";
import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";

import * as api from "../api";
import { numbers } from "../envelope";
import { panned } from "../pan";
import { span, time, trouble } from "../state";
import { tickTexts, unitText } from "../ticks";
import { isLight } from "./theme";
import { showTime } from "./TimeBar";

interface Props {
  readonly outcome: string;
  readonly variable: string;
  readonly select: Readonly<Record<string, string>>;
  readonly title: string;
  readonly close?: () => void;
}

const HEIGHT = 110;
/** How far the wheel turns for a whole window [px]. */
const WHEEL = 1000;
/** Least width of the axis of values, which all traces have where their numbers are short, and what its ticks take of it [px]. */
const [AXIS, TICKS] = [56, 18];

/** Room for the longest number at the axis of values. */
function roomFor(self: uPlot, texts: readonly string[] | null): number {
  self.ctx.font = self.axes[1]?.font?.[0] ?? self.ctx.font;
  const widest = Math.max(0, ...(texts ?? []).map((text) => self.ctx.measureText(text).width));
  return Math.max(AXIS, Math.ceil(TICKS + widest / window.devicePixelRatio));
}

export function TracePanel({ outcome, variable, select, title, close }: Props) {
  const place = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | null>(null);
  const [unit, setUnit] = useState("");
  const [window_, setWindow] = useState<readonly [number, number]>(span.value);
  const shown = useRef(window_);
  shown.current = window_;

  useEffect(() => {
    const host = place.current;
    if (host === null) return undefined;
    const stroke = (): string => getComputedStyle(host).getPropertyValue("--muted");
    const made = new uPlot(
      {
        width: host.clientWidth,
        height: HEIGHT,
        legend: { show: false },
        cursor: { y: false, drag: { x: true, y: false, setScale: false } },
        scales: { x: { time: false } },
        axes: [
          { stroke, grid: { show: false }, size: 26 },
          { stroke, grid: { stroke: "#8884", width: 0.5 }, size: roomFor, values: (_, ticks) => tickTexts(ticks) },
        ],
        series: [{}, { stroke: "#56B4E9", width: 1 }, { stroke: "#56B4E9", width: 1 }],
        bands: [{ series: [2, 1], fill: "#56B4E955" }],
        hooks: {
          setSelect: [
            (self) => {
              if (self.select.width < 4) return;
              setWindow([self.posToVal(self.select.left, "x"), self.posToVal(self.select.left + self.select.width, "x")]);
              self.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
            },
          ],
        },
      },
      [[], [], []],
      host,
    );
    made.over.addEventListener("click", (event) => {
      showTime(made.posToVal(event.offsetX, "x"));
    });
    made.over.addEventListener("dblclick", () => setWindow(span.value));
    made.over.addEventListener(
      "wheel",
      (event) => {
        const next = panned(shown.current, span.value, (event.deltaX + event.deltaY) / WHEEL);
        if (next[0] === shown.current[0]) return; // at an end the page scrolls
        event.preventDefault();
        setWindow(next);
      },
      { passive: false },
    );
    plot.current = made;
    const watch = new ResizeObserver(() => made.setSize({ width: host.clientWidth, height: HEIGHT }));
    watch.observe(host);
    return () => {
      watch.disconnect();
      made.destroy();
    };
  }, []);

  useEffect(() => {
    const stop = new AbortController();
    const width = Math.max(50, place.current?.clientWidth ?? 800);
    const wanted = { variable, select, start: window_[0], stop: window_[1], width };
    api
      .trace(outcome, wanted, stop.signal)
      .then((found) => {
        const low = [...numbers(found, "lo")].map((value) => (Number.isNaN(value) ? null : value));
        const high = [...numbers(found, "hi")].map((value) => (Number.isNaN(value) ? null : value));
        const { t0, dt } = found.header as { t0?: number; dt?: number };
        const times = t0 === undefined || dt === undefined ? [...numbers(found, "t")] : low.map((_, k) => t0 + k * dt);
        setUnit(unitText(String(found.header["unit"])));
        plot.current?.setData([times, low, high]);
        plot.current?.setScale("x", { min: window_[0], max: window_[1] });
        place.current?.setAttribute("data-shown", window_.join(" "));
      })
      .catch((error: unknown) => {
        if (!(error instanceof DOMException)) trouble.value = String(error);
      });
    return () => stop.abort();
  }, [outcome, variable, JSON.stringify(select), window_[0], window_[1]]);

  useSignalEffect(() => {
    void isLight.value;
    const made = plot.current;
    if (made !== null && made.data[0].length > 0) made.redraw(false);
  });

  useSignalEffect(() => {
    const made = plot.current;
    const now = time.value;
    if (made === null || made.data[0].length === 0) return;
    made.setCursor({ left: made.valToPos(now, "x"), top: 0 }, false);
  });

  return (
    <div class="trace">
      <div class="title">
        <span>{title}</span>
        <span>{unit}</span>
        {close !== undefined && (
          <button type="button" class="plain" aria-label={`close the trace of ${title}`} onClick={close}>
            ×
          </button>
        )}
      </div>
      <div ref={place} role="img" aria-label={`trace of ${title}`} />
    </div>
  );
}
