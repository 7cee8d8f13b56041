/** The shell: the rail, the notice, and the screen that the address names. */

import { render, type JSX } from "preact";

import * as api from "./api";
import { numbers } from "./envelope";
import { Sheet, SheetButton } from "./parts/Sheet";
import { onKey } from "./parts/useKeys";
import { Label } from "./screens/Label";
import { Recordings } from "./screens/Recordings";
import { Reports } from "./screens/Reports";
import { Rois } from "./screens/Rois";
import { View } from "./screens/View";
import { address, addressOf, isReadOnly, open, said, screen, SCREENS, setClock, span, tell, time, trouble, type Screen } from "./state";
import "./style.css";

const PAGES: Readonly<Record<Screen, () => JSX.Element>> = {
  recordings: Recordings,
  view: View,
  rois: Rois,
  label: Label,
  space: Recordings,
  states: Recordings,
  neural: Recordings,
  queue: Recordings,
  models: Recordings,
  reports: Reports,
};

async function follow(): Promise<void> {
  const to = address(window.location.hash);
  screen.value = to.screen;
  if (to.recording !== null && to.recording !== open.value?.id) {
    const found = await api.recording(to.recording);
    open.value = found;
    for (const camera of found.cameras) setClock(camera.id, Float64Array.from(numbers(await api.clock(camera.id), "time")));
    time.value = to.time ?? span.value[0];
  } else if (to.time !== null) time.value = to.time;
}

function App() {
  const Page = PAGES[screen.value];
  return (
    <div class="app">
      <nav class="rail" aria-label="screens">
        <h1>mystax</h1>
        {SCREENS.map(([id, title]) => (
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
        <Page />
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
  api
    .openSession()
    .then(async () => {
      isReadOnly.value = (await api.about()).read_only;
      await follow();
    })
    .catch(tell);
}
