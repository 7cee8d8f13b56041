/** The encoder: activity measured and predicted, how much is explained, and the trace of a neuron. */

import { useEffect, useRef, useState } from "preact/hooks";

import * as api from "../api";
import type { OutcomeInfo } from "../api.gen";
import { numbers } from "../envelope";
import { Empty, NoRecording } from "../parts/Need";
import { TracePanel } from "../parts/TracePanel";
import { greys, levelFor, TILE, tilesOf } from "../raster";
import { open, tell } from "../state";

interface Wish {
  readonly variable: string;
  readonly row: string;
  readonly select: Readonly<Record<string, string>>;
  readonly order: string;
  readonly scale: "row" | "none";
}

interface RasterProps {
  readonly outcome: string;
  readonly wish: Wish;
  readonly title: string;
  readonly pick?: (row: number) => void;
}

/** Rows over time, put together from tiles at the width of the screen. */
function Raster({ outcome, wish, title, pick }: RasterProps) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const [size, setSize] = useState<readonly [number, number]>([0, 0]);
  const stamp = JSON.stringify(wish);
  useEffect(() => {
    const host = canvas.current;
    const context = host?.getContext("2d");
    if (!host || !context) return undefined;
    let isCurrent = true;
    const ask = (level: number, tx: number, ty: number) =>
      api.raster(outcome, { var: wish.variable, row: wish.row, sel: JSON.stringify(wish.select), order: wish.order, scale: wish.scale, level, tx, ty });
    const paint = async (): Promise<void> => {
      const whole = await ask(0, 0, 0);
      const level = Math.min(Number(whole.header["levels"]) - 1, levelFor(Number(whole.header["columns"]), host.clientWidth * window.devicePixelRatio));
      const top = level === 0 ? whole : await ask(level, 0, 0);
      const [rows, columns] = [Number(top.header["rows"]), Number(top.header["columns"])];
      if (!isCurrent) return;
      [host.width, host.height] = [columns, rows];
      setSize([columns, rows]);
      await Promise.all(
        tilesOf(columns, rows).map(async ({ tx, ty }) => {
          const body = tx === 0 && ty === 0 ? top : await ask(level, tx, ty);
          const [height = 0, width = 0] = body.arrays.get("tile")?.shape ?? [];
          if (!isCurrent || width * height === 0) return;
          const image = context.createImageData(width, height);
          greys(numbers(body, "tile"), image.data);
          context.putImageData(image, tx * TILE, ty * TILE);
        }),
      );
    };
    paint().catch(tell);
    return () => void (isCurrent = false);
  }, [outcome, stamp]);
  return (
    <figure class="raster">
      <figcaption>
        {title} <span class="muted">{size[1] > 0 && `${size[1]} rows, dark is active`}</span>
      </figcaption>
      <canvas
        ref={canvas}
        role="img"
        aria-label={`raster: ${title}`}
        onClick={(event) => pick?.(Math.floor((event.offsetY / event.currentTarget.clientHeight) * size[1]))}
      />
    </figure>
  );
}

interface Bar {
  readonly name: string;
  readonly value: number;
}

/** Variance explained by each model, the mean over neurons, with the share of neurons below zero. */
function Bars({ outcome }: { readonly outcome: string }) {
  const [bars, setBars] = useState<readonly (Bar & { readonly negative: number; readonly low: number; readonly high: number })[]>([]);
  useEffect(() => {
    api
      .values(outcome, "population")
      .then((body) => {
        const labels = body.header["labels"] as Readonly<Record<string, readonly string[]>>;
        const models = labels["model"] ?? [];
        const statistics = labels["statistic"] ?? [];
        const values = numbers(body, "values");
        const at = (k: number, name: string): number => values[k * statistics.length + statistics.indexOf(name)] ?? NaN;
        setBars(
          models.map((name, k) => ({ name, value: at(k, "mean"), low: at(k, "low"), high: at(k, "high"), negative: at(k, "share_negative") })),
        );
      })
      .catch(tell);
  }, [outcome]);
  const most = Math.max(0.01, ...bars.map(({ high, value }) => Math.max(value, high)));
  return (
    <fieldset>
      <legend>variance explained, mean over neurons</legend>
      <table class="bars">
        <thead>
          <tr>
            <th scope="col">model</th>
            <th scope="col">explained</th>
            <th scope="col">95 % interval</th>
            <th scope="col">neurons below 0</th>
          </tr>
        </thead>
        <tbody>
          {bars.map(({ name, value, low, high, negative }) => (
            <tr key={name}>
              <th scope="row">{name}</th>
              <td>
                <svg viewBox="0 0 100 10" preserveAspectRatio="none" aria-hidden="true">
                  <rect x="0" y="1" height="8" width={Math.max(0, (100 * value) / most)} />
                  <line x1={Math.max(0, (100 * low) / most)} x2={Math.max(0, (100 * high) / most)} y1="5" y2="5" />
                </svg>
                <span class="number">{(100 * value).toFixed(1)} %</span>
              </td>
              <td class="number">
                {(100 * low).toFixed(1)} to {(100 * high).toFixed(1)} %
              </td>
              <td class="number">{(100 * negative).toFixed(0)} %</td>
            </tr>
          ))}
        </tbody>
      </table>
    </fieldset>
  );
}

const ORDERS = [
  ["", "as given"],
  ["order", "by first component"],
  ["-explained", "by explained variance"],
] as const;

function Encoding({ outcome }: { readonly outcome: OutcomeInfo }) {
  const [order, setOrder] = useState("order");
  const [example, setExample] = useState(0);
  const nameOf = (k: number): string => ["best neuron", "middle neuron", "worst neuron"][k] ?? `example ${k + 1}`;
  const [neuron, setNeuron] = useState<string | null>(null);
  const [sorted, setSorted] = useState<readonly number[]>([]);
  const sketch = outcome.variables.find((one) => one.name === "raster");
  const prediction = outcome.variables.find((one) => one.name === "prediction");
  const traces = outcome.variables.find((one) => one.name === "trace");
  const neurons = prediction?.labels["neuron"] ?? [];
  const examples = traces?.shape[traces.dims.indexOf("example")] ?? 0;
  useEffect(() => {
    api
      .values(outcome.id, "order")
      .then((body) => {
        const keys = [...numbers(body, "values")];
        setSorted(keys.map((_, k) => k).sort((a, b) => (keys[a] ?? 0) - (keys[b] ?? 0)));
      })
      .catch(() => setSorted([]));
  }, [outcome.id]);
  const pick = (row: number): void => {
    const at = order === "order" ? sorted[row] : row;
    const name = neurons[at ?? -1];
    if (name !== undefined) setNeuron(name);
  };
  const has = (name: string): boolean => name === "" || outcome.variables.some((one) => one.name === name.replace(/^-/, ""));
  return (
    <>
      <Bars outcome={outcome.id} />
      {sketch !== undefined && (
        <>
          <h3>Measured and predicted, neurons sorted alike</h3>
          <div class="columns three">
            {(sketch.labels["panel"] ?? []).map((panel) => (
              <Raster
                key={panel}
                outcome={outcome.id}
                title={panel}
                wish={{ variable: "raster", row: "row", select: { panel }, order: "", scale: "none" }}
              />
            ))}
          </div>
        </>
      )}
      {prediction !== undefined && (
        <>
          <h3>
            Prediction of every neuron{" "}
            <select aria-label="order of the neurons" value={order} onChange={(event) => setOrder(event.currentTarget.value)}>
              {ORDERS.filter(([name]) => has(name)).map(([name, title]) => (
                <option key={name} value={name}>
                  {title}
                </option>
              ))}
            </select>
          </h3>
          <Raster
            outcome={outcome.id}
            title="click a row to see its trace"
            wish={{ variable: "prediction", row: "neuron", select: {}, order, scale: "row" }}
            pick={pick}
          />
          <label>
            <span class="muted">neuron </span>
            <select value={neuron ?? ""} onChange={(event) => setNeuron(event.currentTarget.value || null)}>
              <option value="">…</option>
              {neurons.map((one) => (
                <option key={one}>{one}</option>
              ))}
            </select>
          </label>
          {neuron !== null && <TracePanel key={neuron} outcome={outcome.id} variable="prediction" select={{ neuron }} title={`prediction of neuron ${neuron}`} />}
        </>
      )}
      {traces !== undefined && (
        <>
          <h3>
            Example{" "}
            <select aria-label="example" value={example} onChange={(event) => setExample(Number(event.currentTarget.value))}>
              {Array.from({ length: examples }, (_, k) => (
                <option key={k} value={k}>
                  {nameOf(k)}
                </option>
              ))}
            </select>
          </h3>
          {(traces.labels["panel"] ?? []).map((panel) => (
            <TracePanel
              key={`${example}${panel}`}
              outcome={outcome.id}
              variable="trace"
              select={{ panel, example: String(example) }}
              title={`${nameOf(example)} · ${panel}`}
            />
          ))}
        </>
      )}
    </>
  );
}

export function Neural() {
  const recording = open.value;
  if (recording === null) return <NoRecording title="Neural" />;
  const outcome = recording.outcomes.find((one) => one.analysis === "encoding");
  if (outcome === undefined) {
    return (
      <Empty title="Neural">
        {recording.name} has no prediction of activity yet. It needs keypoints and a recording of neurons:{" "}
        <code>mystax encode {recording.name}.mystax --neural SUITE2P</code>
      </Empty>
    );
  }
  return (
    <section class="screen" aria-labelledby="neural">
      <header>
        <h2 id="neural">Neurons of {recording.name}</h2>
        <span class="muted">coverage {(100 * outcome.coverage).toFixed(0)} %</span>
      </header>
      <Encoding outcome={outcome} />
    </section>
  );
}
