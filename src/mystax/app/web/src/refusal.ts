/** What went wrong, in the words of the terminal. */

export interface Refusal {
  readonly code: string;
  readonly where: string;
  readonly what: string;
  readonly expected: string;
  readonly got: string;
  readonly hint: string;
}

/** What was wrong, what was expected and what came. */
export function detailOf({ what, expected, got }: Pick<Refusal, "what" | "expected" | "got">): string {
  const came = got === "" ? "" : `, got ${got}`;
  return [what, expected === "" ? "" : `expected ${expected}${came}`].filter(Boolean).join("; ");
}

export interface RefusedField {
  readonly analysis: string;
  readonly name: string;
  readonly words: string;
}

/** The parameter that a refusal is about, with the words that stand beside it; null where it is about something else. */
export function refusedField(refusal: Refusal): RefusedField | null {
  const found = /^parameter '([^']+)' of '([^']+)'$/.exec(refusal.where);
  const [, name, analysis] = found ?? [];
  if (name === undefined || analysis === undefined) return null;
  return { analysis, name, words: `${refusal.code} ${detailOf(refusal)}` };
}
