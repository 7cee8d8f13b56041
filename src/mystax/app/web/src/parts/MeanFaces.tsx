/** The mean face of each state in its colour, over the mean of all frames. */

import { useEffect, useState } from "preact/hooks";

import * as api from "../api";
import { facesOf, known, pathOf, windowOf, type Faces } from "../faces";
import { palette } from "../palette.gen";
import { lookOf } from "../runs";
import { tell } from "../state";

interface FaceProps {
  readonly faces: Faces;
  readonly state: number;
  readonly view: number;
}

function FaceDrawing({ faces, state, view }: FaceProps) {
  const grand = faces.grand[view] ?? [];
  const face = faces.states[state - 1]?.[view];
  const box = windowOf(grand);
  if (face === undefined || box === null) return null;
  const { colour } = lookOf(state, palette.states.colours);
  const size = Math.max(box.width, box.height);
  const points = known(face);
  return (
    <svg viewBox={`${box.x} ${box.y} ${box.width} ${box.height}`} role="img" aria-label={`mean face of state ${state} ${faces.views[view] ?? ""}`.trim()}>
      <path d={pathOf(grand, faces.edges)} class="grand" fill="none" stroke-width={size * 0.008} />
      {known({ places: grand, spread: grand }).map(({ place: [x, y] }, k) => (
        <circle key={k} class="grand" cx={x} cy={y} r={size * 0.008} />
      ))}
      {points.map(({ place: [x, y], spread: [sx, sy] }, k) => (
        <ellipse key={k} cx={x} cy={y} rx={sx} ry={sy} fill={colour} opacity="0.25" />
      ))}
      <path d={pathOf(face.places, faces.edges)} fill="none" stroke={colour} stroke-width={size * 0.014} stroke-linecap="round" />
      {points.map(({ place: [x, y] }, k) => (
        <circle key={k} cx={x} cy={y} r={size * 0.016} fill={colour} />
      ))}
    </svg>
  );
}

interface Asked {
  readonly outcome: string;
  readonly states: readonly number[];
  readonly now: number;
  readonly nameOf: (state: number) => string;
  readonly choose: (state: number) => void;
}

/** Small multiples; a click chooses the state whose bouts are shown. */
export function MeanFaces({ outcome, states, now, nameOf, choose }: Asked) {
  const [faces, setFaces] = useState<Faces | null>(null);
  useEffect(() => {
    let isCurrent = true;
    setFaces(null);
    api
      .faces(outcome)
      .then((body) => isCurrent && setFaces(facesOf(body)))
      .catch(tell);
    return () => {
      isCurrent = false;
    };
  }, [outcome]);
  if (faces === null) return null;
  return (
    <>
      <h3>Mean faces</h3>
      <p class="help">Aligned; grey is the mean of all frames, ellipses are one standard deviation.</p>
      <div class="grid faces">
        {states.map((state) => (
          <button key={state} type="button" class="mask" aria-pressed={state === now} aria-label={`bouts of state ${state}`} onClick={() => choose(state)}>
            {faces.views.map((_, view) => (
              <FaceDrawing key={view} faces={faces} state={state} view={view} />
            ))}
            <span>
              {state} {nameOf(state)}
            </span>
          </button>
        ))}
      </div>
    </>
  );
}
