/** Whether the page is light: what is drawn on a canvas is drawn again when that changes. */

import { signal } from "@preact/signals";

const query = window.matchMedia("(prefers-color-scheme: light)");

export const isLight = signal(query.matches);
query.addEventListener("change", () => (isLight.value = query.matches));
