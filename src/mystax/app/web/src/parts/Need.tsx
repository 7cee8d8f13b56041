/** What is shown where there is nothing yet: always with the next step. */

import type { ComponentChildren } from "preact";

import { isOpening } from "../state";

export function Empty({ title, children }: { readonly title: string; readonly children: ComponentChildren }) {
  return (
    <section class="screen" aria-label={title}>
      <header>
        <h2>{title}</h2>
      </header>
      <div class="notice">{children}</div>
    </section>
  );
}

export function NoRecording({ title }: { readonly title: string }) {
  if (isOpening.value) {
    return (
      <Empty title={title}>
        <span role="status" aria-busy="true">
          Opening the recording…
        </span>
      </Empty>
    );
  }
  return (
    <Empty title={title}>
      No recording is open. Choose one under <a href="#s=recordings">Recordings</a>.
    </Empty>
  );
}
