/** The report of the open recording. */

import { ReportLink } from "../parts/ReportLink";
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
          <ReportLink path={`recordings/${recording.id}/report`} name={recording.name}>
            Report of {recording.name}
          </ReportLink>
        </p>
      ) : (
        <p class="notice">There is no report yet. Open a recording that was measured, or measure one.</p>
      )}
    </section>
  );
}
