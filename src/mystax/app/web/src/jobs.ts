/** The queue as a table: a row for each recording, a column for each analysis, and what a cell says. */

import type { JobRow } from "./api.gen";

/** The order in which columns are shown; others follow by name. */
const FIRST = ["probe", "rois", "motion", "svd", "pupil", "blink", "running", "pose", "pose3d", "states", "encoding"];

export interface QueueTable {
  readonly columns: readonly string[];
  readonly rows: ReadonlyArray<{ readonly recording: string; readonly cells: ReadonlyMap<string, JobRow> }>;
}

export function tableOf(jobs: readonly JobRow[]): QueueTable {
  const rows = new Map<string, Map<string, JobRow>>();
  const columns = new Set<string>();
  for (const job of jobs) {
    const cells = rows.get(job.recording) ?? new Map<string, JobRow>();
    rows.set(job.recording, cells);
    for (const analysis of job.analyses.length > 0 ? job.analyses : [job.kind]) {
      columns.add(analysis);
      cells.set(analysis, job);
    }
  }
  const place = (name: string): number => (FIRST.includes(name) ? FIRST.indexOf(name) : FIRST.length);
  return {
    columns: [...columns].sort((a, b) => place(a) - place(b) || a.localeCompare(b)),
    rows: [...rows].map(([recording, cells]) => ({ recording, cells })),
  };
}

/** What a cell says: the word of the engine, and how far a running job is. */
export function cellText(job: JobRow): string {
  if (job.state === "running" && job.share !== null) return `running ${Math.floor(100 * job.share)} %`;
  return job.error === null ? job.state : `${job.state} ${job.error["code"] ?? ""}`.trim();
}

export interface Message {
  readonly event: string;
  readonly data: string;
}

/** Take whole messages off a stream of server-sent events; what is not whole yet is the rest. */
export function messages(text: string): { readonly messages: readonly Message[]; readonly rest: string } {
  const blocks = text.split("\n\n");
  const rest = blocks.pop() ?? "";
  const found = blocks.flatMap((block) => {
    const lines = block.split("\n");
    const field = (name: string): string[] =>
      lines.filter((line) => line.startsWith(`${name}:`)).map((line) => line.slice(name.length + 1).replace(/^ /, ""));
    const data = field("data").join("\n");
    return data === "" ? [] : [{ event: field("event")[0] ?? "message", data }];
  });
  return { messages: found, rest };
}

export const canCancel = (state: string): boolean => ["waiting", "queued", "running", "blocked"].includes(state);
export const canRetry = (state: string): boolean => ["failed", "cancelled"].includes(state);

/** A length of time as people say it. */
export function lasting(seconds: number | null): string {
  if (seconds === null || !Number.isFinite(seconds)) return "";
  if (seconds < 60) return `${Math.ceil(seconds)} s`;
  const minutes = Math.round(seconds / 60);
  return minutes < 60 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

/** The line under the table: how many of each state. */
export function summary(counts: Readonly<Record<string, number>>): string {
  const found = Object.entries(counts).filter(([, n]) => n > 0);
  return found.length === 0 ? "no jobs" : found.map(([state, n]) => `${n} ${state}`).join(", ");
}
