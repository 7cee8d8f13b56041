/** The histogram of the shown picture, and the grey levels that are black and white on the screen. */

import { useEffect, useState } from "preact/hooks";

import * as api from "../api";
import type { CameraInfo, Levels } from "../api.gen";
import { bars, fitting, levelsText, moveEnd, whole, type Range as Ends } from "../levels";
import { focus, focusFrame, isMoving, playing, ranges } from "../state";

const [WIDTH, HEIGHT] = [256, 48];
/** Time without a step after which the picture is measured [ms]. */
const REST = 150;

function setRange(camera: string, range: Ends | null): void {
  const next = new Map(ranges.value);
  if (range === null) next.delete(camera);
  else next.set(camera, range);
  ranges.value = next;
}

/** The levels of the frame at which the clock rests; those of the last one until others have come. */
function useLevels(camera: CameraInfo | null, frame: number | null, isResting: boolean): Levels | null {
  const [found, setFound] = useState<Levels | null>(null);
  useEffect(() => setFound(null), [camera?.id]);
  useEffect(() => {
    if (camera === null || frame === null || !isResting) return undefined;
    const stop = new AbortController();
    const timer = window.setTimeout(() => {
      api
        .levels(camera.id, frame, stop.signal)
        .then(setFound)
        .catch(() => undefined);
    }, REST);
    return () => {
      window.clearTimeout(timer);
      stop.abort();
    };
  }, [camera?.id, frame, isResting]);
  return found;
}

export function Range() {
  const camera = focus.value;
  const found = useLevels(camera, focusFrame.value, !playing.value && !isMoving.value);
  if (camera === null || found === null) return null;
  const chosen = ranges.value.get(camera.id);
  const present: Ends = chosen ?? (camera.bits > 8 ? camera.window : whole(found));
  const x = (level: number): number => ((level - found.least) / (found.most - found.least)) * WIDTH;
  const heights = bars(found);
  const end = (number: 0 | 1, label: string) => (
    <label class="row">
      <span>{label}</span>
      <input
        type="range"
        min={found.least}
        max={found.most}
        step={1}
        value={present[number]}
        onInput={(event) => setRange(camera.id, moveEnd(present, number, event.currentTarget.valueAsNumber, found))}
      />
      <output class="number">{Math.round(present[number])}</output>
    </label>
  );
  return (
    <div class="range" role="group" aria-label={`grey levels of ${camera.name}`}>
      <svg viewBox={`0 0 ${WIDTH} ${HEIGHT}`} preserveAspectRatio="none" role="img" aria-label={`histogram: ${levelsText(found)}`}>
        {heights.map((height, k) => (
          <rect key={k} x={(k * WIDTH) / heights.length} y={HEIGHT * (1 - height)} width={WIDTH / heights.length} height={HEIGHT * height} />
        ))}
        {present.map((level, k) => (
          <line key={k} x1={x(level)} y1="0" x2={x(level)} y2={HEIGHT} />
        ))}
      </svg>
      <p class="help number">{levelsText(found)}</p>
      {camera.colour ? (
        <p class="help">A picture in colours is shown as it is.</p>
      ) : (
        <>
          {end(0, "black")}
          {end(1, "white")}
          <div class="buttons">
            <button type="button" onClick={() => setRange(camera.id, fitting(found))}>
              fit to picture
            </button>
            <button type="button" disabled={chosen === undefined} onClick={() => setRange(camera.id, null)}>
              camera's own
            </button>
          </div>
        </>
      )}
    </div>
  );
}
