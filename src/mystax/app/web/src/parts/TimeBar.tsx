/** The time of all panels: a slider with marks, steps, and play. */

import { signal } from "@preact/signals";
import { useEffect, useLayoutEffect, useRef } from "preact/hooks";

import { later, stepped, timeOf, timeText } from "../clock";
import { binned, gapsOf } from "../marks";
import { clocks, focus, focusFrame, isEvery, isMoving, marks as known, moreMarks, playing, skips, span, speed, tell, time, travel } from "../state";
import { useKeys } from "./useKeys";

const SPEEDS = [1 / 16, 1 / 8, 1 / 4, 1 / 2, 1, 2, 4, 8, 16] as const;
const BINS = 400;
/** Above this speed only some frames can be seen. */
const MOST_EXACT = 2;

const isAsking = signal(false);

function clockOfFocus() {
  const camera = focus.value;
  return camera === null ? undefined : clocks.value.get(camera.id);
}

/** Step the camera in focus by some frames. */
export function step(frames: number): void {
  const clock = clockOfFocus();
  if (clock === undefined) return;
  travel.value = Math.sign(frames);
  showTime(stepped(clock, time.value, frames));
}

/** Show a frame of the camera in focus. */
export function showFrame(frame: number): boolean {
  const clock = clockOfFocus();
  const at = clock === undefined ? undefined : timeOf(clock, frame);
  if (at === undefined) return false;
  showTime(at);
  return true;
}

/** Show a time: everything rests there. */
export function showTime(at: number): void {
  playing.value = false;
  isMoving.value = false;
  time.value = at;
}

function stepSeconds(seconds: number): void {
  const clock = clockOfFocus();
  if (clock === undefined) return;
  travel.value = Math.sign(seconds);
  showTime(later(clock, time.value, seconds));
}

/** Go to what was typed: a whole number is a frame; with a point, a colon or an s it is a time. */
export function goTo(text: string): boolean {
  const given = text.trim().replace(/,/g, "");
  const n = clockOfFocus()?.times.length ?? 0;
  const parts = given.replace(/\s*s$/, "").split(":").map(Number);
  const isFrame = /^\d+$/.test(given);
  if (isFrame ? !showFrame(Number(given)) : given === "" || parts.length > 3 || parts.some((part) => !Number.isFinite(part))) {
    tell(`There is no ${given || "such frame"} here: frames are 0 to ${(n - 1).toLocaleString("en-US")}, times look like 0:12.5`);
    return false;
  }
  if (isFrame) return true;
  const seconds = parts.reduce((sum, part) => sum * 60 + part, 0);
  const [first, last] = span.value;
  showTime(Math.min(last, Math.max(first, seconds)));
  return true;
}

export function togglePlay(): void {
  if (!playing.value) skips.value = 0;
  isMoving.value = false;
  travel.value = 1;
  playing.value = !playing.value;
}

function faster(way: 1 | -1): void {
  const now = SPEEDS.findIndex((one) => one === speed.value);
  speed.value = SPEEDS[Math.min(SPEEDS.length - 1, Math.max(0, now + way))] ?? 1;
}

function speedText(value: number): string {
  return value < 1 ? `1/${Math.round(1 / value)}×` : `${value}×`;
}

/** Let time pass: by the clock on the wall, or one frame after the other. */
function run(last: number): () => void {
  const from = time.value;
  let handle = 0;
  let begin = NaN;
  let next = 0;
  const interval = clockOfFocus()?.interval ?? 1 / 30;
  const end = (): void => {
    time.value = last;
    playing.value = false;
  };
  const tick = (now: number): void => {
    if (Number.isNaN(begin)) begin = now;
    handle = requestAnimationFrame(tick);
    if (!isEvery.value) {
      const at = from + ((now - begin) / 1000) * speed.value;
      if (at >= last) return end();
      isMoving.value = speed.value > MOST_EXACT;
      time.value = at;
      return;
    }
    // Every frame: the next one when the shown one is drawn, and not before its time.
    const shown = document.querySelector<HTMLElement>(`canvas.picture[data-camera="${focus.value?.id ?? ""}"]`)?.dataset["frame"];
    if (now < next || (focusFrame.value !== null && shown !== undefined && shown !== String(focusFrame.value))) return;
    const clock = clockOfFocus();
    if (clock === undefined) return;
    const at = stepped(clock, time.value, 1);
    if (at <= time.value) return end();
    next = now + (1000 * interval) / speed.value - 4;
    time.value = at;
  };
  handle = requestAnimationFrame(tick);
  return () => {
    cancelAnimationFrame(handle);
    isMoving.value = false;
  };
}

export function TimeBar() {
  const [first, last] = span.value;
  const field = useRef<HTMLInputElement>(null);

  useEffect(() => (playing.value ? run(last) : undefined), [playing.value, isEvery.value, speed.value, last]);
  useEffect(() => () => void (playing.value = false), []);
  // Before the next key comes: what is typed right after `g` belongs to the field.
  useLayoutEffect(() => {
    if (isAsking.value) field.current?.focus();
  }, [isAsking.value]);

  useKeys({
    back: () => step(-1),
    forward: () => step(1),
    back10: () => step(-10),
    forward10: () => step(10),
    backSecond: () => stepSeconds(-1),
    forwardSecond: () => stepSeconds(1),
    first: () => showFrame(0),
    last: () => showFrame((clockOfFocus()?.times.length ?? 1) - 1),
    play: togglePlay,
    slower: () => faster(-1),
    faster: () => faster(1),
    goto: () => (isAsking.value = true),
  });

  const gaps = known.value.length > 0 ? [] : [...clocks.value.values()].flatMap(gapsOf);
  const marks = binned([...known.value, ...gaps, ...moreMarks.value], first, last, BINS);
  const share = (at: number): number => (100 * (at - first)) / Math.max(1e-9, last - first);

  return (
    <div class="timebar" role="group" aria-label="time of all panels">
      <span class="buttons">
        <button type="button" aria-label="step back" onClick={() => step(-1)}>
          ‹
        </button>
        <button type="button" aria-pressed={playing.value} onClick={togglePlay}>
          {playing.value ? "pause" : "play"}
        </button>
        <button type="button" aria-label="step forward" onClick={() => step(1)}>
          ›
        </button>
        <select
          aria-label="speed"
          value={String(speed.value)}
          onChange={(event) => (speed.value = Number(event.currentTarget.value))}
        >
          {SPEEDS.map((one) => (
            <option key={one} value={String(one)}>
              {speedText(one)}
            </option>
          ))}
        </select>
        <label class="check">
          <input type="checkbox" checked={isEvery.value} onChange={(event) => (isEvery.value = event.currentTarget.checked)} />
          every frame
        </label>
      </span>
      <span class="slider">
        <input
          type="range"
          aria-label="time"
          aria-valuetext={timeText(time.value)}
          data-keys="page"
          min={first}
          max={last}
          step="any"
          value={time.value}
          onInput={(event) => {
            playing.value = false;
            isMoving.value = true;
            time.value = Number(event.currentTarget.value);
          }}
          onChange={() => (isMoving.value = false)}
        />
        <svg class="marks" viewBox="0 0 100 8" preserveAspectRatio="none" aria-hidden="true">
          {marks.map((mark) => (
            <rect
              key={`${mark.kind}${mark.start}`}
              class={mark.kind}
              x={share(Math.max(first, mark.start))}
              width={Math.max(0.3, share(mark.stop) - share(mark.start))}
              y={mark.kind === "gap" || mark.kind === "missing" ? 0 : 2}
              height={mark.kind === "gap" || mark.kind === "missing" ? 8 : 6}
            >
              <title>{mark.text}</title>
            </rect>
          ))}
        </svg>
      </span>
      <span>
        {isAsking.value ? (
          <input
            ref={field}
            class="short"
            aria-label="frame or time to go to"
            placeholder="frame or 0:12.5"
            onKeyDown={(event) => {
              if (event.key === "Enter" && goTo(event.currentTarget.value)) isAsking.value = false;
              if (event.key === "Escape") isAsking.value = false;
            }}
            onBlur={() => (isAsking.value = false)}
          />
        ) : (
          <button type="button" class="plain number" title="go to a frame or time" onClick={() => (isAsking.value = true)}>
            <output aria-label="time">{timeText(time.value)}</output>
          </button>
        )}
        {skips.value > 0 && <span class="muted"> {skips.value} skipped</span>}
      </span>
    </div>
  );
}
