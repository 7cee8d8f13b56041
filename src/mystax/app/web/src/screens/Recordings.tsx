/** The list of recordings: what there is, how good it is, what was made of it. */

import { useEffect, useState } from "preact/hooks";

import * as api from "../api";
import type { RecordingRow } from "../api.gen";
import { AddVideos } from "../parts/AddVideos";
import { addressOf, isReadOnly, tell } from "../state";

export function Recordings() {
  const [text, setText] = useState("");
  const [rows, setRows] = useState<readonly RecordingRow[] | null>(null);
  const [isAdding, setAdding] = useState(false);
  const [asked, setAsked] = useState(0);

  useEffect(() => {
    let isCurrent = true;
    api
      .recordings(text)
      .then((found) => isCurrent && setRows(found))
      .catch(tell);
    return () => {
      isCurrent = false;
    };
  }, [text, asked]);

  return (
    <section class="screen" aria-labelledby="recordings">
      <header>
        <h2 id="recordings">Recordings</h2>
        <input
          type="search"
          aria-label="search recordings"
          placeholder="name, subject, project"
          value={text}
          onInput={(event) => setText(event.currentTarget.value)}
        />
        {rows !== null && <span class="muted">{rows.length} found</span>}
        <button type="button" disabled={isReadOnly.value} aria-expanded={isAdding} onClick={() => setAdding(!isAdding)}>
          add videos
        </button>
      </header>
      {isAdding && <AddVideos added={() => setAsked((count) => count + 1)} />}
      {rows !== null && rows.length === 0 && (
        <p class="notice">
          There is no recording here. Add videos, or start the page with a folder that holds some: <code>mystax app FOLDER</code>
        </p>
      )}
      {rows !== null && rows.length > 0 && (
        <table>
          <thead>
            <tr>
              <th scope="col">recording</th>
              <th scope="col">cameras</th>
              <th scope="col">quality</th>
              <th scope="col">measured</th>
              <th scope="col">labels</th>
            </tr>
          </thead>
          <tbody>
            {rows.map((row) => (
              <tr key={row.id}>
                <td>{row.cameras.length > 0 || row.analyses.length > 0 ? <a href={addressOf("view", row.id)}>{row.name}</a> : row.name}</td>
                <td>{row.cameras.join(", ") || <span class="muted">no video found</span>}</td>
                <td class={row.quality === "bad" ? "error" : row.quality === "warned" ? "warning" : ""}>
                  {row.codes.length > 0 ? row.codes.join(" ") : row.quality}
                </td>
                <td>{row.analyses.join(", ") || <span class="muted">nothing yet</span>}</td>
                <td>{row.labels.join(", ")}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </section>
  );
}
