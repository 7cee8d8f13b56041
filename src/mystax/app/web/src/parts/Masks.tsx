/** Masks of components as small pictures, blue and red around zero; a click shows the component's trace. */

import { useEffect, useRef, useState } from "preact/hooks";

import * as api from "../api";
import type { OutcomeInfo } from "../api.gen";
import { numbers } from "../envelope";
import { signed } from "../raster";

const COUNT = 12;

interface Mask {
  readonly width: number;
  readonly height: number;
  readonly values: Float64Array;
}

function Picture({ mask, component, choose }: { readonly mask: Mask; readonly component: number; readonly choose: () => void }) {
  const canvas = useRef<HTMLCanvasElement>(null);
  useEffect(() => {
    const context = canvas.current?.getContext("2d");
    if (!context) return;
    const image = context.createImageData(mask.width, mask.height);
    const most = mask.values.reduce((best, value) => Math.max(best, Math.abs(value)), 0) || 1;
    signed(mask.values.map((value) => value / most), image.data);
    context.putImageData(image, 0, 0);
  }, [mask]);
  return (
    <button type="button" class="mask" aria-label={`component ${component + 1}: show its trace`} onClick={choose}>
      <canvas ref={canvas} width={mask.width} height={mask.height} />
      <span>{component + 1}</span>
    </button>
  );
}

interface Props {
  readonly outcome: OutcomeInfo;
  readonly choose: (variable: string, select: Readonly<Record<string, string>>) => void;
}

/** The masks of one outcome of `svd`, twelve at a time. */
export function Masks({ outcome, choose }: Props) {
  const variable = outcome.variables.find((one) => one.name.endsWith("_mask"));
  const rois = variable?.labels["roi"] ?? [];
  const kind = variable?.name.replace(/_mask$/, "") ?? "";
  const n = variable?.shape[variable.dims.indexOf("component")] ?? 0;
  const [roi, setRoi] = useState(rois[0] ?? "");
  const [first, setFirst] = useState(0);
  const [isOpen, setOpen] = useState(false);
  const [found, setFound] = useState<readonly Mask[] | string>([]);
  useEffect(() => {
    if (!isOpen) return undefined;
    let isCurrent = true;
    api
      .masks(outcome.id, roi, first, COUNT)
      .then((body) => {
        const name = body.arrays.has("mask") ? "mask" : ([...body.arrays.keys()].find((one) => one !== "scale") ?? "mask");
        const [count = 0, height = 1, width = 1] = body.arrays.get(name)?.shape ?? [];
        const values = Float64Array.from(numbers(body, name));
        const cut = (k: number): Mask => ({ width, height, values: values.subarray(k * width * height, (k + 1) * width * height) });
        if (isCurrent) setFound(Array.from({ length: count }, (_, k) => cut(k)));
      })
      .catch((error: unknown) => isCurrent && setFound(error instanceof Error ? error.message : String(error)));
    return () => void (isCurrent = false);
  }, [outcome.id, roi, first, isOpen]);
  if (variable === undefined) return null;
  return (
    <details class="masks" onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>
        masks of {outcome.analysis} {outcome.camera}
      </summary>
      <div class="tools">
        {rois.length > 1 && (
          <select aria-label="region" value={roi} onChange={(event) => setRoi(event.currentTarget.value)}>
            {rois.map((one) => (
              <option key={one}>{one}</option>
            ))}
          </select>
        )}
        <button type="button" disabled={first === 0} onClick={() => setFirst(Math.max(0, first - COUNT))}>
          ‹ before
        </button>
        <span class="muted">
          components {first + 1} to {Math.min(n, first + COUNT)} of {n}; blue negative, white zero, red positive
        </span>
        <button type="button" disabled={first + COUNT >= n} onClick={() => setFirst(first + COUNT)}>
          next ›
        </button>
      </div>
      {typeof found === "string" ? (
        <p class="muted">The masks cannot be shown: {found}</p>
      ) : (
        <div class="grid">
          {found.map((mask, k) => (
            <Picture
              key={first + k}
              mask={mask}
              component={first + k}
              choose={() => choose(`${kind}_svd`, { roi, component: String(first + k) })}
            />
          ))}
        </div>
      )}
    </details>
  );
}
