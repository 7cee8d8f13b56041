/** Models: the weights that predict keypoints, what they were trained on, and how well they do. */

import { useEffect, useState } from "preact/hooks";

import * as api from "../api";
import type { ModelInfo } from "../api.gen";
import { Compared } from "../parts/Compared";
import { CompareTwo } from "../parts/CompareTwo";
import { ReportLink } from "../parts/ReportLink";
import { isReadOnly, modelShown, said, tell } from "../state";

/** A value of a card as text; lists of texts in one line, tables as JSON. */
function textOf(value: unknown): string {
  if (typeof value === "number") return Number.isInteger(value) ? String(value) : value.toPrecision(4);
  if (Array.isArray(value) && value.every((one) => typeof one !== "object")) return value.join(", ");
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}

function isTable(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function Card({ title, card }: { readonly title: string; readonly card: Readonly<Record<string, unknown>> }) {
  const lines = Object.entries(card).filter(([, value]) => !isTable(value));
  const tables = Object.entries(card).filter((one): one is [string, Readonly<Record<string, unknown>>] => isTable(one[1]));
  return (
    <>
      {lines.length > 0 && (
        <fieldset class="card">
          <legend>{title}</legend>
          <dl>
            {lines.map(([name, value]) => (
              <div key={name}>
                <dt>{name.replace(/_/g, " ")}</dt>
                <dd>{textOf(value)}</dd>
              </div>
            ))}
          </dl>
        </fieldset>
      )}
      {tables.map(([name, table]) => (
        <Card key={name} title={name.replace(/_/g, " ")} card={table} />
      ))}
    </>
  );
}

export function Models() {
  const [models, setModels] = useState<readonly ModelInfo[] | null>(null);
  useEffect(() => {
    api.models().then(setModels).catch(tell);
  }, []);
  const choose = (model: ModelInfo): void => {
    api
      .makeDefault(model.id)
      .then((found) => {
        setModels(found);
        said.value = `${model.name} is the default now`;
      })
      .catch(tell);
  };
  const shown = models?.find((one) => one.id === modelShown.value) ?? models?.find((one) => one.is_default) ?? models?.[0];
  return (
    <section class="screen" aria-labelledby="models">
      <header>
        <h2 id="models">Models</h2>
        <span class="muted">
          train one on your labels: under <a href="#s=label">Label</a>, or <code>mystax train NAME.labels</code>
        </span>
      </header>
      {models === null && <p class="muted" aria-busy="true">…</p>}
      {models !== null && models.length === 0 && (
        <p class="notice">
          No weights are installed. <code>mystax doctor</code> says what is missing.
        </p>
      )}
      {models !== null && models.length > 0 && (
        <table>
          <thead>
            <tr>
              <th scope="col">model</th>
              <th scope="col">points</th>
              <th scope="col">licence</th>
              <th scope="col">sha256</th>
              <th scope="col">used</th>
              <th scope="col">training</th>
            </tr>
          </thead>
          <tbody>
            {models.map((model) => (
              <tr key={model.id} aria-current={model === shown ? "true" : undefined}>
                <td>
                  <button type="button" class="plain" aria-pressed={model === shown} onClick={() => (modelShown.value = model.id)}>
                    {model.name}
                  </button>
                </td>
                <td>{model.keypoint_set || <span class="muted">see the card</span>}</td>
                <td>{model.licence}</td>
                <td>
                  <code title={model.weights_hash}>{model.weights_hash.replace("sha256:", "").slice(0, 12) || <span class="error">damaged</span>}</code>
                </td>
                <td>
                  {model.is_default ? (
                    "default"
                  ) : model.is_rejected ? (
                    <span class="muted">not better: rejected</span>
                  ) : (
                    <button type="button" disabled={isReadOnly.value} aria-label={`make ${model.name} the default`} onClick={() => choose(model)}>
                      make default
                    </button>
                  )}
                </td>
                <td>
                  {model.has_report && (
                    <ReportLink path={`models/${model.id}/report`} name={model.name} label={`report of ${model.name}`}>
                      report
                    </ReportLink>
                  )}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
      {models !== null && models.length > 0 && <CompareTwo models={models} />}
      {shown?.has_report === true && <Compared model={shown.id} name={shown.name} />}
      {shown !== undefined && (
        <div class="cards">
          <Card title={shown.name} card={shown.card} />
        </div>
      )}
    </section>
  );
}
