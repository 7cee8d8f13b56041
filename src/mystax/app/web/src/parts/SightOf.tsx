/** What the fit sees of a region, and its grey levels with the threshold, which can be moved. */

import { useLayoutEffect, useRef } from "preact/hooks";

import { histogramPath, paintSight, sightText, type Sight } from "../sight";
import { parametersOf, setParameter } from "./ParameterForm";

const [LEVELS, HEIGHT] = [256, 56];
/** Width of the picture on the screen, about [px]. */
const ROOM = 280;

/** The parameter that is the threshold of an analysis. */
const THRESHOLD: Readonly<Record<string, string>> = { pupil: "threshold", blink: "level" };

function paint(canvas: HTMLCanvasElement, sight: Sight): void {
  const context = canvas.getContext("2d");
  const small = document.createElement("canvas");
  [small.width, small.height] = [sight.width, sight.height];
  const picture = small.getContext("2d");
  if (context === null || picture === null) return;
  const image = picture.createImageData(sight.width, sight.height);
  paintSight(sight, image.data);
  picture.putImageData(image, 0, 0);
  const scale = Math.max(1, Math.round((ROOM * window.devicePixelRatio) / sight.width));
  [canvas.width, canvas.height] = [scale * sight.width, scale * sight.height];
  context.imageSmoothingEnabled = false;
  context.drawImage(small, 0, 0, canvas.width, canvas.height);
  context.setTransform(scale, 0, 0, scale, scale / 2, scale / 2);
  context.fillStyle = "#f0e442";
  const side = Math.max(0.4, 3 / scale);
  for (const { x, y } of sight.rim) context.fillRect(x - side / 2, y - side / 2, side, side);
  if (sight.ellipse === null) return;
  const { x, y, long, short, angle } = sight.ellipse;
  context.beginPath();
  context.ellipse(x, y, long, short, angle, 0, 2 * Math.PI);
  context.lineWidth = 1.6 / scale;
  context.strokeStyle = "#fff";
  context.stroke();
}

export function SightOf({ sight, analysis }: { readonly sight: Sight; readonly analysis: string }) {
  const canvas = useRef<HTMLCanvasElement>(null);
  useLayoutEffect(() => {
    if (canvas.current !== null) paint(canvas.current, sight);
  }, [sight]);
  const name = THRESHOLD[analysis];
  if (name === undefined) return null;
  const given = parametersOf(analysis)[name];
  const present = typeof given === "number" ? given : (sight.thresholds[0] ?? 0);
  return (
    <figure class="sight">
      <canvas ref={canvas} role="img" aria-label={`what the fit sees: ${sightText(sight)}`} />
      <svg viewBox={`0 0 ${LEVELS} ${HEIGHT}`} preserveAspectRatio="none" role="img" aria-label={`grey levels in the region, threshold ${Math.round(present)}`}>
        <path d={histogramPath(sight.counts, HEIGHT)} />
        {sight.thresholds.map((level, k) => (
          <line key={k} class={k === 0 ? "" : "later"} x1={level} x2={level} y1="0" y2={HEIGHT} />
        ))}
      </svg>
      <input
        type="range"
        aria-label={`${name} [grey level]`}
        min="1"
        max="255"
        step="1"
        value={present}
        onInput={(event) => setParameter(analysis, name, event.currentTarget.valueAsNumber)}
      />
      <figcaption class="help">
        what the fit sees:
        <span class="key dark">darker than {present.toFixed(0)}</span>
        {analysis === "pupil" && <span class="key spot">reflection</span>}
        {analysis === "pupil" && <span class="key rim">edge</span>}
        <button type="button" class="plain" disabled={given === undefined} onClick={() => setParameter(analysis, name, "auto")}>
          auto
        </button>
        {sight.isInverted && "bright and dark exchanged"}
      </figcaption>
    </figure>
  );
}
