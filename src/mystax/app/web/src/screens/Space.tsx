/** Points in space: turned by hand, seen as a camera sees them, with the errors of each camera. */

import { useEffect, useRef, useState } from "preact/hooks";

import * as api from "../api";
import type { Agreement, OutcomeInfo, RecordingInfo } from "../api.gen";
import { frameTimes, shownAt, type FrameTimes } from "../clock";
import { numbers } from "../envelope";
import type { Point } from "../geometry";
import { corners, markersOf, opacity } from "../markers";
import { barLength, framed, IDENTITY, orbited, projected, zoomedBy, type Matrix, type Orbit, type Vector } from "../orbit";
import { FramePanel } from "../parts/FramePanel";
import { Empty, NoRecording } from "../parts/Need";
import { drawWord, keypointsOf } from "../parts/overlays";
import { pointsAt, pointsCome, type FramePoints } from "../parts/points";
import { TimeBar } from "../parts/TimeBar";
import { TracePanel } from "../parts/TracePanel";
import { poseOf } from "../pose";
import { clocks, open, tell, time } from "../state";

const HEIGHT = 440;
const TURN = 0.01;

function vectorsOf(found: FramePoints): Vector[] {
  return found.names.map((_, k) => [0, 1, 2].map((axis) => found.places[3 * k + axis] ?? NaN) as unknown as Vector);
}

interface StageProps {
  /** Number of the sample that is drawn. */
  readonly row: number;
  readonly found: FramePoints;
  readonly cameras: readonly Sight[];
  readonly chosen: string | null;
  readonly choose: (name: string) => void;
}

export interface Sight {
  readonly name: string;
  readonly rotation: Matrix;
}

function drawAxes(context: CanvasRenderingContext2D, view: Orbit, width: number): void {
  const middle = { x: 46, y: HEIGHT - 46 };
  ["x", "y", "z"].forEach((name, k) => {
    const [x, y] = [view.rotation[0][k] ?? 0, view.rotation[1][k] ?? 0];
    context.strokeStyle = ["#ff7b72", "#7ee787", "#8ab4f8"][k] ?? "#fff";
    context.lineWidth = 1.6;
    context.beginPath();
    context.moveTo(middle.x, middle.y);
    context.lineTo(middle.x + 30 * x, middle.y + 30 * y);
    context.stroke();
    drawWord(context, name, { x: middle.x + 34 * x - 9, y: middle.y + 34 * y + 10 });
  });
  const length = barLength(view.scale, width);
  const from = { x: width - 20 - length * view.scale, y: HEIGHT - 20 };
  context.strokeStyle = "#fff";
  context.lineWidth = 2;
  context.beginPath();
  context.moveTo(from.x, from.y);
  context.lineTo(width - 20, from.y);
  context.stroke();
  drawWord(context, `${length} mm`, { x: from.x - 9, y: from.y });
}

function Stage({ row, found, cameras, chosen, choose }: StageProps) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const held = useRef<Point | null>(null);
  const wasDragged = useRef(false);
  const [view, setView] = useState<Orbit | null>(null);
  const [isFlat, setFlat] = useState(true);
  const vectors = vectorsOf(found);
  const width = canvas.current?.clientWidth ?? 600;
  const start = (rotation: Matrix, flat = isFlat): void => setView(framed(vectors, rotation, canvas.current?.clientWidth ?? 600, HEIGHT, flat));

  useEffect(() => {
    if (view === null && vectors.some((one) => one.every(Number.isFinite))) start(cameras[0]?.rotation ?? IDENTITY);
  });
  useEffect(() => {
    const host = canvas.current;
    const context = host?.getContext("2d");
    if (!host || !context || view === null) return;
    const ratio = window.devicePixelRatio;
    const side = host.clientWidth;
    [host.width, host.height] = [Math.round(side * ratio), HEIGHT * ratio];
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    const places = vectors.map((one) => projected(view, one, side, HEIGHT));
    const markers = markersOf(found.names);
    context.strokeStyle = "#8a93a0";
    context.lineWidth = 1.4;
    for (const [a, b] of found.edges) {
      const [from, to] = [places[a], places[b]];
      if (!from || !to) continue;
      context.beginPath();
      context.moveTo(from.x, from.y);
      context.lineTo(to.x, to.y);
      context.stroke();
    }
    const order = places.map((_, k) => k).sort((a, b) => (places[b]?.depth ?? 0) - (places[a]?.depth ?? 0));
    for (const k of order) {
      const at = places[k];
      const marker = markers[k];
      if (!at || marker === undefined) continue;
      const isChosen = found.names[k] === chosen;
      const points = corners(marker.figure, 7);
      context.beginPath();
      if (points.length === 0) context.arc(at.x, at.y, 6, 0, 2 * Math.PI);
      points.forEach(([x, y], n) => (n === 0 ? context.moveTo(at.x + x, at.y + y) : context.lineTo(at.x + x, at.y + y)));
      context.closePath();
      context.globalAlpha = opacity(found.confidence[k] ?? NaN);
      context.fillStyle = marker.colour;
      context.fill();
      context.globalAlpha = 1;
      context.lineWidth = isChosen ? 2.5 : 1;
      context.strokeStyle = "#fff";
      context.stroke();
      if (isChosen) drawWord(context, found.names[k] ?? "", at);
    }
    drawAxes(context, view, side);
  });

  function near(at: Point): string | null {
    if (view === null) return null;
    let best: string | null = null;
    let least = 14;
    vectors.forEach((one, k) => {
      const place = projected(view, one, width, HEIGHT);
      const off = place === null ? Infinity : Math.hypot(place.x - at.x, place.y - at.y);
      if (off < least) [best, least] = [found.names[k] ?? null, off];
    });
    return best;
  }

  return (
    <div>
      <div class="tools" role="toolbar" aria-label="view in space">
        {cameras.map((camera) => (
          <button key={camera.name} type="button" onClick={() => start(camera.rotation)}>
            see from {camera.name}
          </button>
        ))}
        <button
          type="button"
          aria-pressed={!isFlat}
          onClick={() => {
            setFlat(!isFlat);
            start(view?.rotation ?? IDENTITY, !isFlat);
          }}
        >
          perspective
        </button>
        {(
          [
            ["turn left", -0.2, 0],
            ["turn right", 0.2, 0],
            ["turn up", 0, 0.2],
            ["turn down", 0, -0.2],
          ] as const
        ).map(([name, yaw, pitch]) => (
          <button key={name} type="button" aria-label={name} onClick={() => view !== null && setView(orbited(view, yaw, pitch))}>
            {{ "turn left": "←", "turn right": "→", "turn up": "↑", "turn down": "↓" }[name]}
          </button>
        ))}
        <button type="button" aria-label="nearer" onClick={() => view !== null && setView(zoomedBy(view, 1.25))}>
          +
        </button>
        <button type="button" aria-label="farther" onClick={() => view !== null && setView(zoomedBy(view, 0.8))}>
          −
        </button>
        <span class="muted">drag turns, wheel zooms; right-handed axes</span>
      </div>
      <canvas
        ref={canvas}
        class="space"
        data-row={row}
        style={{ height: `${HEIGHT}px` }}
        role="img"
        aria-label="points in space"
        onPointerDown={(event) => {
          held.current = { x: event.clientX, y: event.clientY };
          wasDragged.current = false;
          event.currentTarget.setPointerCapture(event.pointerId);
        }}
        onPointerMove={(event) => {
          if (held.current === null || view === null) return;
          const [dx, dy] = [event.clientX - held.current.x, event.clientY - held.current.y];
          if (Math.hypot(dx, dy) < 2) return;
          wasDragged.current = true;
          held.current = { x: event.clientX, y: event.clientY };
          setView(orbited(view, TURN * dx, -TURN * dy));
        }}
        onPointerUp={(event) => {
          held.current = null;
          const name = near({ x: event.offsetX, y: event.offsetY });
          if (!wasDragged.current && name !== null) choose(name);
        }}
        onWheel={(event) => {
          event.preventDefault();
          if (view !== null) setView(zoomedBy(view, Math.exp(-event.deltaY / 400)));
        }}
      />
    </div>
  );
}

const shown = (value: number | null): string => (value === null ? "-" : value.toFixed(2));

/** How far from each other what the cameras saw is: medians over the whole recording. */
function Errors({ outcome }: { readonly outcome: OutcomeInfo }) {
  const [found, setFound] = useState<Agreement | null>(null);
  useEffect(() => void api.agreement(outcome.id).then(setFound).catch(tell), [outcome.id]);
  if (found === null) return null;
  const most = Math.max(...found.cameras.map(({ residual }) => residual ?? 0), 1e-6);
  const isLeftOut = found.cameras.some(({ left_out }) => left_out !== null);
  const percent = Math.round(100 * (found.weak ?? 0));
  return (
    <fieldset>
      <legend>reprojection error, median [px]</legend>
      <table class="bars">
        <thead>
          <tr>
            <th scope="col">camera</th>
            <th scope="col">all cameras</th>
            {isLeftOut && <th scope="col">the others alone</th>}
          </tr>
        </thead>
        <tbody>
          {found.cameras.map(({ camera, residual, left_out }) => (
            <tr key={camera}>
              <th scope="row">{camera}</th>
              <td>
                <svg viewBox="0 0 100 10" preserveAspectRatio="none" aria-hidden="true">
                  <rect x="0" y="1" height="8" width={(100 * (residual ?? 0)) / most} />
                </svg>
                <span class="number">{shown(residual)}</span>
              </td>
              {isLeftOut && <td class="number">{shown(left_out)}</td>}
            </tr>
          ))}
        </tbody>
      </table>
      {found.ray_angle !== null && (
        <p class={percent > 10 ? "help warning" : "help"}>
          Rays meet at {found.ray_angle.toFixed(0)}° (median); {percent} % of the points have rays too parallel for a sure depth.
        </p>
      )}
    </fieldset>
  );
}

function Points({ recording, outcome }: { readonly recording: RecordingInfo; readonly outcome: OutcomeInfo }) {
  const [chosen, setChosen] = useState<string | null>(null);
  const [sights, setSights] = useState<readonly Sight[] | null>(null);
  void pointsCome.value;
  // Samples of the outcome, not frames of a camera: cameras may have other rates.
  const [clock, setClock] = useState<FrameTimes | null>(null);
  const row = clock === null ? null : shownAt(clock, time.value).frame;
  const found = row === null ? null : pointsAt(outcome.id, row);
  useEffect(() => {
    api.times(outcome.id).then((body) => setClock(frameTimes(Float64Array.from(numbers(body, "time"))))).catch(tell);
    api.points(outcome.id, 0, 1).then((body) => setSights((body.header["cameras"] as readonly Sight[] | undefined) ?? [])).catch(tell);
  }, [outcome.id]);
  const axes = ["x", "y", "z"];
  return (
    <>
      <div class="split">
        <div>
          {row === null || found === null || sights === null ? <p class="notice">There are no points at this time.</p> : <Stage row={row} found={found} cameras={sights} chosen={chosen} choose={setChosen} />}
          <TimeBar />
          {chosen !== null &&
            axes.map((space) => (
              <TracePanel key={chosen + space} outcome={outcome.id} variable="position" select={{ keypoint: chosen, space }} title={`${chosen} · ${space}`} />
            ))}
        </div>
        <aside aria-label="cameras">
          {recording.cameras.map((camera) => {
            const pose = poseOf(recording, camera.name);
            return <FramePanel key={camera.id} camera={camera} overlays={pose === null ? [] : [keypointsOf(pose.id)]} />;
          })}
          <Errors outcome={outcome} />
          {found !== null && (
            <label>
              <span class="muted">point </span>
              <select value={chosen ?? ""} onChange={(event) => setChosen(event.currentTarget.value || null)}>
                <option value="">…</option>
                {found.names.map((name) => (
                  <option key={name}>{name}</option>
                ))}
              </select>
            </label>
          )}
        </aside>
      </div>
    </>
  );
}

export function Space() {
  const recording = open.value;
  if (recording === null) return <NoRecording title="3-D" />;
  const outcome = recording.outcomes.find((one) => one.analysis === "pose3d");
  if (outcome === undefined) {
    return (
      <Empty title="3-D">
        {recording.name} has no points in space yet. They need two cameras and their calibration: <code>mystax calibrate</code>, then{" "}
        <code>mystax triangulate {recording.name}.mystax --rig calibration.toml</code>
      </Empty>
    );
  }
  if (!recording.cameras.every((camera) => clocks.value.has(camera.id))) return <section class="screen" aria-busy="true" />;
  return (
    <section class="screen" aria-labelledby="space">
      <header>
        <h2 id="space">{recording.name} in space</h2>
      </header>
      <Points recording={recording} outcome={outcome} />
    </section>
  );
}
