/** The parameters of an analysis, as its declaration has them. */

import { signal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";

import * as api from "../api";
import type { AnalysisForm } from "../api.gen";
import { changed, fieldsOf, sentOf, textOf, type Field, type Value } from "../forms";
import { refusedField } from "../refusal";
import { tell } from "../state";

const forms = signal<readonly AnalysisForm[]>([]);
const values = signal<Readonly<Record<string, Readonly<Record<string, Value>>>>>({});
/** What the server has said of a field, until it is changed. */
const refusals = signal<Readonly<Record<string, string>>>({});

const keyOf = (analysis: string, name: string): string => `${analysis}-${name}`;

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

/** What differs from the defaults, for each of some analyses that have anything. */
export function parametersOfAll(analyses: readonly string[]): Record<string, Record<string, Value>> {
  const all = [...new Set(analyses)].map((name) => [name, parametersOf(name)] as const);
  return Object.fromEntries(all.filter(([, found]) => Object.keys(found).length > 0));
}

/** Show a refusal beside the field that it is about; false where it is about none. */
export function refuse(error: unknown): boolean {
  const found = error instanceof api.ApiError ? refusedField(error.refusal) : null;
  if (found === null) return false;
  refusals.value = { ...refusals.value, [keyOf(found.analysis, found.name)]: found.words };
  return true;
}

/** Give a parameter another value: all that is measured from now on has it. */
export function setParameter(analysis: string, name: string, value: Value): void {
  const { [keyOf(analysis, name)]: _, ...others } = refusals.value;
  refusals.value = others;
  values.value = { ...values.value, [analysis]: { ...values.value[analysis], [name]: value } };
}

function Line({ analysis, field }: { readonly analysis: string; readonly field: Field }) {
  const now = values.value[analysis]?.[field.name] ?? field.default;
  const id = keyOf(analysis, field.name);
  const wrong = refusals.value[id] ?? null;
  const take = (text: string): void => setParameter(analysis, field.name, sentOf(field, text));
  const isList = field.words.length > 0 && !field.takesNumber && !field.takesText;
  return (
    <div class="parameter">
      <label for={id}>
        {field.name} {field.unit !== "" && <span class="muted">[{field.unit}]</span>}
      </label>
      {field.isSwitch ? (
        <input id={id} type="checkbox" checked={now === true} onChange={(event) => setParameter(analysis, field.name, event.currentTarget.checked)} />
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
  const host = useRef<HTMLDetailsElement>(null);
  const form = useForms().find((one) => one.name === analysis);
  const fields = form === undefined ? [] : fieldsOf(form.parameters);
  const n = Object.keys(parametersOf(analysis)).length;
  const isRefused = fields.some(({ name }) => refusals.value[keyOf(analysis, name)] !== undefined);
  // Opened where something is refused, and left to the person after.
  useEffect(() => {
    if (isRefused && host.current !== null) host.current.open = true;
  }, [isRefused]);
  if (form === undefined) return null;
  return (
    <details class="form" ref={host}>
      <summary>
        parameters of {analysis} <span class={isRefused ? "error" : "muted"}>{isRefused ? "refused" : n === 0 ? "as declared" : `${n} changed`}</span>
      </summary>
      <p class="help">{form.help}</p>
      {fields.map((field) => (
        <Line key={field.name} analysis={analysis} field={field} />
      ))}
    </details>
  );
}
