/** The shell: the rail, the notice, and the screen that the address names. */

import { signal } from "@preact/signals";
import { render, type JSX } from "preact";

import * as api from "./api";
import type { RecordingInfo } from "./api.gen";
import { numbers } from "./envelope";
import { Sheet, SheetButton } from "./parts/Sheet";
import { onKey } from "./parts/useKeys";
import { Label } from "./screens/Label";
import { Recordings } from "./screens/Recordings";
import { Reports } from "./screens/Reports";
import { Rois } from "./screens/Rois";
import { Space } from "./screens/Space";
import { States } from "./screens/States";
import { Neural } from "./screens/Neural";
import { Queue } from "./screens/Queue";
import { Models } from "./screens/Models";
import { View } from "./screens/View";
import { address, addressOf, clearClocks, extent, focusName, isEmbedded, isOpening, isReadOnly, marks, open, said, screen, SCREENS, setClock, span, tell, time, trouble, type Screen } from "./state";
import "./style.css";

/** Most marks of the seek bar, side by side. */
const MARKS = 1000;

/** Nothing is asked for before the session is open, or refused. */
const isSettled = signal(false);

const PAGES: Readonly<Record<Screen, () => JSX.Element>> = {
  recordings: Recordings,
  view: View,
  rois: Rois,
  label: Label,
  space: Space,
  states: States,
  neural: Neural,
  queue: Queue,
  models: Models,
  reports: Reports,
};

/** The time that the outcomes of a recording without videos span. */
async function extentOf(recording: RecordingInfo): Promise<readonly [number, number]> {
  for (const outcome of recording.outcomes) {
    const variable = outcome.variables.find((one) => one.is_trace && one.dims[0] === "time");
    if (variable === undefined) continue;
    const found = await api.trace(outcome.id, { variable: variable.name, select: {}, start: -1e15, stop: 1e15, width: 100 });
    const { t0, dt } = found.header as { t0?: number; dt?: number };
    if (t0 !== undefined && dt !== undefined) return [t0, t0 + dt * numbers(found, "lo").length];
    const times = numbers(found, "t");
    return [times[0] ?? 0, times[times.length - 1] ?? 0];
  }
  return [0, 0];
}

/** Number of the recording that was asked for last: an answer that comes after a newer wish is dropped. */
let wish = 0;

async function show(id: string): Promise<boolean> {
  const mine = (wish += 1);
  isOpening.value = true;
  try {
    const found = await api.recording(id);
    const span = found.cameras.length === 0 ? await extentOf(found) : null;
    if (mine !== wish) return false;
    clearClocks();
    marks.value = [];
    focusName.value = null;
    if (span !== null) extent.value = span;
    open.value = found;
    await Promise.all(
      found.cameras.map(async (camera) => {
        const times = Float64Array.from(numbers(await api.clock(camera.id), "time"));
        if (mine === wish) setClock(camera.id, times);
      }),
    );
    if (found.cameras.length > 0) api.marks(id, MARKS).then((known) => mine === wish && (marks.value = known)).catch(tell);
  } catch (error) {
    if (mine !== wish) return false;
    open.value = null; // never another recording than the address says
    throw error;
  } finally {
    if (mine === wish) isOpening.value = false;
  }
  return mine === wish;
}

async function follow(): Promise<void> {
  const to = address(window.location.hash);
  screen.value = to.screen;
  if (to.recording !== null && to.recording !== open.value?.id) {
    if (await show(to.recording)) time.value = to.time ?? span.value[0];
  } else if (to.time !== null) time.value = to.time;
}

function App() {
  const Page = PAGES[screen.value];
  return (
    <div class={isEmbedded.value ? "app embedded" : "app"}>
      <nav class="rail" aria-label="screens">
        <h1>mystax</h1>
        {SCREENS.filter(([id]) => !isEmbedded.value || id !== "recordings").map(([id, title]) => (
          <a key={id} href={addressOf(id, open.value?.id ?? null)} aria-current={screen.value === id ? "page" : undefined}>
            {title}
          </a>
        ))}
        <SheetButton />
      </nav>
      <main>
        {trouble.value !== null && (
          <p class="notice bad" role="alert">
            {trouble.value}{" "}
            <button type="button" onClick={() => (trouble.value = null)}>
              close
            </button>
          </p>
        )}
        {isSettled.value && <Page />}
        <p class="sr" role="status" aria-live="polite">
          {said.value}
        </p>
        <Sheet />
      </main>
    </div>
  );
}

const place = document.getElementById("page");
if (place !== null) {
  render(<App />, place);
  window.addEventListener("hashchange", () => void follow().catch(tell));
  window.addEventListener("keydown", onKey);
  isEmbedded.value = new URLSearchParams(window.location.hash.slice(1)).get("embed") === "1";
  api
    .openSession()
    .finally(() => (isSettled.value = true))
    .then(async () => {
      isReadOnly.value = (await api.about()).read_only;
      await follow();
    })
    .catch(tell);
}
