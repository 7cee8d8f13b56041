/** Videos that can be added: the way to their folder, and what was found in words. */

import type { VideosFound } from "./api.gen";

/** The shipped ways to read names of files; anything else is a pattern of one's own. */
export const PATTERNS = ["neuroblueprint", "alf", "folders", "files"] as const;

export interface Crumb {
  readonly name: string;
  readonly path: string;
}

/** The folders on the way to a path, each with its own path; the first is the registered folder. */
export function crumbs(root: string, path: string): readonly Crumb[] {
  const names = path === "" ? [] : path.split("/");
  return [{ name: root, path: "" }, ...names.map((name, k) => ({ name, path: names.slice(0, k + 1).join("/") }))];
}

export const below = (path: string, name: string): string => (path === "" ? name : `${path}/${name}`);

const counted = (n: number, word: string): string => `${n.toLocaleString("en-US")} ${word}${n === 1 ? "" : "s"}`;

/** How many recordings would be written. */
export const toWrite = (found: VideosFound): number => found.added + found.changed;

/** What was found, as a line. */
export function foundText(found: VideosFound): string {
  const parts = [
    [found.added, "new"],
    [found.changed, "changed"],
    [found.unchanged, "already there"],
  ] as const;
  const told = parts.filter(([n]) => n > 0).map(([n, word]) => `${n.toLocaleString("en-US")} ${word}`);
  const all = found.added + found.changed + found.unchanged;
  return `${counted(found.n_videos, "video")} in ${counted(all, "recording")}${told.length === 0 ? "" : `: ${told.join(", ")}`}`;
}

/** What an addition has written, from the result of its job. */
export function addedText(result: Readonly<Record<string, unknown>> | null): string {
  const number = (name: string): number => (typeof result?.[name] === "number" ? result[name] : 0);
  const refused = Array.isArray(result?.["refused"]) ? result["refused"].length : 0;
  const written = `${counted(number("added"), "recording")} added, ${number("changed")} changed`;
  return refused === 0 ? written : `${written}, ${refused} refused`;
}
