/** The time of all panels: a slider, steps, and play. */

import { useEffect } from "preact/hooks";

import { stepped, timeText } from "../clock";
import { clocks, focus, isMoving, playing, span, speed, time } from "../state";

/** Step the camera in focus by some frames. */
export function step(frames: number): void {
  const camera = focus.value;
  const clock = camera === null ? undefined : clocks.value.get(camera.id);
  if (clock === undefined) return;
  isMoving.value = false;
  time.value = stepped(clock, time.value, frames);
}

export function TimeBar() {
  const [first, last] = span.value;

  useEffect(() => {
    if (!playing.value) return undefined;
    const begin = performance.now();
    const from = time.value;
    let handle = 0;
    const tick = (now: number): void => {
      const next = from + ((now - begin) / 1000) * speed.value;
      if (next >= last) {
        time.value = last;
        playing.value = false;
        return;
      }
      time.value = next;
      handle = requestAnimationFrame(tick);
    };
    handle = requestAnimationFrame(tick);
    return () => cancelAnimationFrame(handle);
  }, [playing.value, speed.value, last]);

  return (
    <div class="timebar">
      <span>
        <button type="button" aria-label="step back" onClick={() => step(-1)}>
          ‹
        </button>{" "}
        <button type="button" aria-pressed={playing.value} onClick={() => (playing.value = !playing.value)}>
          {playing.value ? "pause" : "play"}
        </button>{" "}
        <button type="button" aria-label="step forward" onClick={() => step(1)}>
          ›
        </button>
      </span>
      <input
        type="range"
        aria-label="time"
        aria-valuetext={timeText(time.value)}
        min={first}
        max={last}
        step="any"
        value={time.value}
        onInput={(event) => {
          isMoving.value = true;
          time.value = Number(event.currentTarget.value);
        }}
        onChange={() => (isMoving.value = false)}
      />
      <output class="number" aria-label="time">
        {timeText(time.value)}
      </output>
    </div>
  );
}
