/** The loss of a training while it runs, and what it has measured on held-out frames. */

import { useEffect, useState } from "preact/hooks";

import * as api from "../../api";
import type { JobCurve } from "../../api.gen";
import { curveText, drawing, pointsText } from "../../losscurve";
import { tell } from "../../state";

const AGAIN = 1000;
const [WIDTH, HEIGHT] = [640, 120];

export function LossCurve({ job, isRunning }: { readonly job: string; readonly isRunning: boolean }) {
  const [curve, setCurve] = useState<JobCurve | null>(null);
  useEffect(() => {
    let isCurrent = true;
    let timer = 0;
    const read = (): void => {
      api
        .jobCurve(job)
        .then((found) => {
          if (!isCurrent) return;
          setCurve(found);
          if (isRunning) timer = window.setTimeout(read, AGAIN);
        })
        .catch((error: unknown) => {
          const hasNone = error instanceof api.ApiError && error.status === 404; // a training of another computer
          if (isCurrent && !hasNone) tell(error);
        });
    };
    read();
    return () => {
      isCurrent = false;
      window.clearTimeout(timer);
    };
  }, [job, isRunning]);
  if (curve === null || curve.steps.length === 0) return null;
  const { lines, looks, least, most, leastError, mostError } = drawing(curve, WIDTH, HEIGHT);
  return (
    <figure class="loss">
      <svg viewBox={`-4 -4 ${WIDTH + 8} ${HEIGHT + 8}`} preserveAspectRatio="none" role="img" aria-label={curveText(curve)}>
        <line class="axis" x1="0" y1={HEIGHT} x2={WIDTH} y2={HEIGHT} />
        {lines.map((line, k) => (
          <polyline key={k} class="fit" points={pointsText(line)} />
        ))}
        {looks.length > 1 && <polyline class="held" points={pointsText(looks)} />}
        {looks.map(({ x, y }, k) => (
          <path key={k} class="held" d={`M${x} ${y}h0`} />
        ))}
      </svg>
      <figcaption class="muted">
        <span class="key fit">loss, {most.toFixed(2)} to {least.toFixed(2)}</span>
        {looks.length > 0 && (
          <span class="key held">
            held-out frames, {mostError.toFixed(2)} to {leastError.toFixed(2)} px@256
          </span>
        )}
        <span class="number">{curveText(curve)}</span>
      </figcaption>
    </figure>
  );
}
