/** A report: in a tab of its own, or, where the page stands in a frame without a cookie, as a file. */

import type { ComponentChildren } from "preact";

import * as api from "../api";
import { tell } from "../state";

interface Asked {
  /** Below `api/`. */
  readonly path: string;
  readonly name: string;
  readonly label?: string;
  readonly children: ComponentChildren;
}

export function ReportLink({ path, name, label, children }: Asked) {
  if (api.isFramed()) {
    return (
      <button type="button" aria-label={label} onClick={() => void api.download(path, `${name} report.html`).catch(tell)}>
        {children}
      </button>
    );
  }
  return (
    <a href={`api/${path}`} target="_blank" rel="noopener noreferrer" aria-label={label}>
      {children}
    </a>
  );
}
