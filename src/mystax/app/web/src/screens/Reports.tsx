/** The report of the open recording. */

import { open } from "../state";

export function Reports() {
  const recording = open.value;
  return (
    <section class="screen" aria-labelledby="reports">
      <header>
        <h2 id="reports">Reports</h2>
      </header>
      {recording !== null && recording.report ? (
        <p>
          <a href={`api/recordings/${recording.id}/report`} target="_blank" rel="noreferrer">
            Report of {recording.name}
          </a>
        </p>
      ) : (
        <p class="notice">There is no report yet. Open a recording that was measured, or measure one.</p>
      )}
    </section>
  );
}
