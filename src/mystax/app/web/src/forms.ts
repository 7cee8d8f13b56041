/** Forms of parameters, made from the declarations of the analyses: the range is a text, as people read it. */

export type Value = number | string | boolean | null;

export interface Field {
  readonly name: string;
  readonly default: Value;
  readonly unit: string;
  readonly help: string;
  readonly range: string;
  readonly isSwitch: boolean;
  /** The words that are allowed. */
  readonly words: readonly string[];
  readonly takesNumber: boolean;
  readonly takesText: boolean;
  readonly low: number;
  readonly high: number;
}

const BELOW = /(-?[\d.]+(?:e[+-]?\d+)?)\s*<=?\s*[a-z_]/i;
const ABOVE = /[a-z_]\s*<=?\s*(-?[\d.]+(?:e[+-]?\d+)?)/i;

/** Read one declaration. */
export function fieldOf(name: string, declared: Readonly<Record<string, unknown>>): Field {
  const range = String(declared["range"] ?? "");
  const given = declared["default"];
  const isPlain = typeof given === "number" || typeof given === "string" || typeof given === "boolean";
  const words = [...range.matchAll(/'([^']*)'/g)].map((match) => match[1] ?? "");
  if (/\bnone\b/.test(range)) words.push("none");
  return {
    name,
    default: isPlain ? given : null,
    unit: String(declared["unit"] ?? ""),
    help: String(declared["help"] ?? ""),
    range,
    isSwitch: range === "true or false",
    words,
    takesNumber: range.includes("<") || range.includes("number"),
    takesText: range.includes("text"),
    low: Number(BELOW.exec(range)?.[1] ?? -Infinity),
    high: Number(ABOVE.exec(range)?.[1] ?? Infinity),
  };
}

/** The fields of an analysis, in the order of its declaration. */
export function fieldsOf(parameters: Readonly<Record<string, unknown>>): readonly Field[] {
  return Object.entries(parameters).map(([name, declared]) =>
    fieldOf(name, typeof declared === "object" && declared !== null ? (declared as Record<string, unknown>) : {}),
  );
}

/** How a value is written in its field. */
export function textOf(value: Value): string {
  return value === null ? "none" : String(value);
}

/** Read what was typed; undefined where the field cannot have it. */
export function valueOf(field: Field, text: string): Value | undefined {
  const trimmed = text.trim();
  if (field.isSwitch) return trimmed === "true" ? true : trimmed === "false" ? false : undefined;
  if (trimmed === "none" && field.words.includes("none")) return null;
  if (field.words.includes(trimmed)) return trimmed;
  if (field.takesNumber && trimmed !== "") {
    const number = Number(trimmed);
    return Number.isFinite(number) && number >= field.low && number <= field.high ? number : undefined;
  }
  return field.takesText && trimmed !== "" ? trimmed : undefined;
}

/** Only what differs from the defaults: that is what a request carries. */
export function changed(fields: readonly Field[], values: Readonly<Record<string, Value>>): Record<string, Value> {
  const found: Record<string, Value> = {};
  for (const field of fields) {
    const value = values[field.name];
    if (value !== undefined && value !== field.default) found[field.name] = value;
  }
  return found;
}

/** What a field sends: the value that it can have, else what was typed, which the server refuses in its own words. */
export function sentOf(field: Field, text: string): Value {
  const value = valueOf(field, text);
  if (value !== undefined) return value;
  const trimmed = text.trim();
  const number = Number(trimmed);
  return trimmed !== "" && Number.isFinite(number) ? number : trimmed;
}
