/** The shell: the rail, the notice, and the screen that the address names. */

import { render } from "preact";

import * as api from "./api";
import { numbers } from "./envelope";
import { Recordings } from "./screens/Recordings";
import { Reports } from "./screens/Reports";
import { View } from "./screens/View";
import { address, addressOf, open, screen, SCREENS, setClock, span, time, trouble } from "./state";
import "./style.css";

const PAGES = { recordings: Recordings, view: View, reports: Reports } as const;

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
      </main>
    </div>
  );
}

function tell(error: unknown): void {
  trouble.value = error instanceof api.ApiError ? `${error.message}. ${error.refusal.hint}` : String(error);
}

const place = document.getElementById("page");
if (place !== null) {
  render(<App />, place);
  window.addEventListener("hashchange", () => void follow().catch(tell));
  api.openSession().then(follow).catch(tell);
}
