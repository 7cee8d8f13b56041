/** The parameters of an analysis, as its declaration has them. */

import { signal } from "@preact/signals";
import { useEffect, useState } from "preact/hooks";

import * as api from "../api";
import type { AnalysisForm } from "../api.gen";
import { changed, fieldsOf, textOf, valueOf, type Field, type Value } from "../forms";
import { tell } from "../state";

const forms = signal<readonly AnalysisForm[]>([]);
const values = signal<Readonly<Record<string, Readonly<Record<string, Value>>>>>({});

/** Fetch the declarations once. */
export function useForms(): readonly AnalysisForm[] {
  useEffect(() => {
    if (forms.value.length === 0) api.analyses().then((found) => (forms.value = found)).catch(tell);
  }, []);
  return forms.value;
}

/** What differs from the defaults. */
export function parametersOf(analysis: string): Record<string, Value> {
  const form = forms.value.find((one) => one.name === analysis);
  return form === undefined ? {} : changed(fieldsOf(form.parameters), values.value[analysis] ?? {});
}

function set(analysis: string, name: string, value: Value): void {
  values.value = { ...values.value, [analysis]: { ...values.value[analysis], [name]: value } };
}

function Line({ analysis, field }: { readonly analysis: string; readonly field: Field }) {
  const now = values.value[analysis]?.[field.name] ?? field.default;
  const [wrong, setWrong] = useState<string | null>(null);
  const id = `${analysis}-${field.name}`;
  const take = (text: string): void => {
    const value = valueOf(field, text);
    setWrong(value === undefined ? `expected ${field.range}` : null);
    if (value !== undefined) set(analysis, field.name, value);
  };
  const isList = field.words.length > 0 && !field.takesNumber && !field.takesText;
  return (
    <div class="parameter">
      <label for={id}>
        {field.name} {field.unit !== "" && <span class="muted">[{field.unit}]</span>}
      </label>
      {field.isSwitch ? (
        <input id={id} type="checkbox" checked={now === true} onChange={(event) => set(analysis, field.name, event.currentTarget.checked)} />
      ) : isList ? (
        <select id={id} value={textOf(now)} onChange={(event) => take(event.currentTarget.value)}>
          {field.words.map((word) => (
            <option key={word}>{word}</option>
          ))}
        </select>
      ) : (
        <input
          id={id}
          value={textOf(now)}
          aria-invalid={wrong !== null}
          aria-describedby={`${id}-help`}
          onInput={(event) => take(event.currentTarget.value)}
        />
      )}
      <p id={`${id}-help`} class={wrong === null ? "help" : "help error"}>
        {wrong ?? `${field.help} ${field.isSwitch ? "" : field.range}`}
      </p>
    </div>
  );
}

export function ParameterForm({ analysis }: { readonly analysis: string }) {
  const form = useForms().find((one) => one.name === analysis);
  if (form === undefined) return null;
  const fields = fieldsOf(form.parameters);
  const n = Object.keys(parametersOf(analysis)).length;
  return (
    <details class="form">
      <summary>
        parameters of {analysis} <span class="muted">{n === 0 ? "as declared" : `${n} changed`}</span>
      </summary>
      <p class="help">{form.help}</p>
      {fields.map((field) => (
        <Line key={field.name} analysis={analysis} field={field} />
      ))}
    </details>
  );
}
