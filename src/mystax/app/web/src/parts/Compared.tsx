/** New weights beside those before, on the frames that neither has seen. */

import { useEffect, useState } from "preact/hooks";

import * as api from "../api";
import { comparisonOf, errorText, verdict, type Comparison } from "../evaluation";
import { tell } from "../state";

export function Compared({ model, name }: { readonly model: string; readonly name: string }) {
  const [found, setFound] = useState<Comparison | null>(null);
  useEffect(() => {
    let isCurrent = true;
    setFound(null);
    api
      .evaluation(model)
      .then((table) => isCurrent && setFound(comparisonOf(table)))
      .catch(tell);
    return () => void (isCurrent = false);
  }, [model]);
  if (found === null) return null;
  return (
    <section aria-label={`${name} on held-out frames`}>
      <h3>
        Held-out frames <span class="muted">{found.n_frames}, seen by neither</span>
      </h3>
      <p>{verdict(found)}</p>
      <table>
        <thead>
          <tr>
            <th scope="col">point</th>
            <th scope="col">labels</th>
            {found.base !== null && <th scope="col">{found.base} before [px@256]</th>}
            <th scope="col">{name} [px@256]</th>
            <th scope="col">95 %</th>
          </tr>
        </thead>
        <tbody>
          {found.lines.map((line) => (
            <tr key={line.name}>
              <th scope="row">{line.name}</th>
              <td class="number">{line.n}</td>
              {found.base !== null && <td class="number">{errorText(line.before)}</td>}
              <td class="number">{errorText(line.after)}</td>
              <td class="number muted">{line.interval !== null && `${errorText(line.interval[0])} to ${errorText(line.interval[1])}`}</td>
            </tr>
          ))}
        </tbody>
      </table>
      {found.worst.length > 0 && <p class="help">Worst frames first: {found.worst.slice(0, 6).join(", ")}</p>}
    </section>
  );
}
