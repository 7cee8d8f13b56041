/** Videos of registered folders: choose a folder, see what it holds, add it. */

import { useEffect, useState } from "preact/hooks";

import * as api from "../api";
import type { JobRow, Listing, Root, VideosFound, VideosWanted } from "../api.gen";
import { cellText } from "../jobs";
import { said, tell } from "../state";
import { addedText, below, crumbs, foundText, PATTERNS, toWrite } from "../videos";
import { useQueue } from "./useQueue";

const OWN = "own pattern";

/** Where one is: a registered folder and a path below it. */
function Folder({ root, path, go }: { readonly root: Root; readonly path: string; readonly go: (path: string) => void }) {
  const [shown, setShown] = useState<Listing | null>(null);
  const more = (cursor: number, before: Listing["entries"]): void => {
    api
      .listing(root.id, path, cursor)
      .then((found) => setShown({ ...found, entries: [...before, ...found.entries] }))
      .catch(tell);
  };
  useEffect(() => {
    setShown(null);
    more(0, []);
  }, [root.id, path]);
  const videos = shown?.entries.filter((entry) => entry.kind === "video") ?? [];
  return (
    <>
      <nav class="crumbs" aria-label="folder">
        {crumbs(root.name, path).map((crumb) => (
          <button key={crumb.path} type="button" class="plain" aria-current={crumb.path === path ? "location" : undefined} onClick={() => go(crumb.path)}>
            {crumb.name}
          </button>
        ))}
      </nav>
      {shown === null && <p class="muted" aria-busy="true">…</p>}
      <ul class="list folders" aria-label="folders">
        {shown?.entries
          .filter((entry) => entry.kind === "folder")
          .map((entry) => (
            <li key={entry.name}>
              <button type="button" class="plain" onClick={() => go(below(path, entry.name))}>
                {entry.name}/
              </button>
            </li>
          ))}
      </ul>
      {shown !== null && (
        <p class="muted">
          {videos.length === 0 ? "No video lies in this folder itself." : `${videos.length} in this folder: ${videos.slice(0, 8).map((entry) => entry.name).join(", ")}${videos.length > 8 ? ", …" : ""}`}
          {shown.next !== null && (
            <button type="button" onClick={() => more(shown.next ?? 0, shown.entries)}>
              show more
            </button>
          )}
        </p>
      )}
    </>
  );
}

function Found({ found }: { readonly found: VideosFound }) {
  return (
    <>
      <p role="status">{foundText(found)}</p>
      {found.refused.map((text) => (
        <p key={text} class="error">
          {text}
        </p>
      ))}
      {found.recordings.length > 0 && (
        <table aria-label="found recordings">
          <thead>
            <tr>
              <th scope="col">recording</th>
              <th scope="col">state</th>
              <th scope="col">camera</th>
              <th scope="col">files in order</th>
              <th scope="col">clock</th>
              <th scope="col">remarks</th>
            </tr>
          </thead>
          <tbody>
            {found.recordings.flatMap((one) =>
              one.cameras.map((camera, k) => (
                <tr key={`${one.name}/${camera.name}`}>
                  <td>{k === 0 ? one.name : ""}</td>
                  <td class={one.state === "changed" ? "warning" : ""}>{k === 0 ? one.state : ""}</td>
                  <td>{camera.name}</td>
                  <td>{camera.files.join(", ")}</td>
                  <td>{camera.clock === "pts" ? "stamps of the video" : camera.clock}</td>
                  <td>{k === 0 ? one.codes.join(" ") : ""}</td>
                </tr>
              )),
            )}
          </tbody>
        </table>
      )}
      {found.left_out.length > 0 && (
        <details>
          <summary>{found.left_out.length} files are left out</summary>
          <ul>
            {found.left_out.map((text) => (
              <li key={text}>{text}</li>
            ))}
          </ul>
        </details>
      )}
    </>
  );
}

/** An addition on its way; it also stands in the queue. */
function Adding({ job, done }: { readonly job: string; readonly done: () => void }) {
  const [state] = useQueue();
  const row: JobRow | undefined = state?.jobs.find((one) => one.id === job);
  const isDone = row?.state === "done";
  useEffect(() => {
    if (isDone) done();
  }, [isDone]);
  if (row === undefined) return <p aria-busy="true">adding…</p>;
  return (
    <p role="status" class={row.error === null ? "" : "error"}>
      {isDone ? addedText(row.result) : `adding: ${cellText(row)}`}
      {row.error !== null && ` ${row.error["where"] ?? ""}: ${row.error["what"] ?? ""} ${row.error["got"] ?? ""}`}
    </p>
  );
}

export function AddVideos({ added }: { readonly added: () => void }) {
  const [roots, setRoots] = useState<readonly Root[]>([]);
  const [hasCatalogue, setCatalogue] = useState(false);
  const [chosen, setChosen] = useState("");
  const [path, setPath] = useState("");
  const [pattern, setPattern] = useState<string>(PATTERNS[0]);
  const [own, setOwn] = useState("");
  const [clock, setClock] = useState("");
  const [found, setFound] = useState<VideosFound | null>(null);
  const [isLooking, setLooking] = useState(false);
  const [job, setJob] = useState<string | null>(null);
  useEffect(() => {
    Promise.all([api.roots(), api.about()])
      .then(([known, about]) => {
        setRoots(known);
        setChosen(known[0]?.id ?? "");
        setCatalogue(about.catalogue);
      })
      .catch(tell);
  }, []);
  const root = roots.find((one) => one.id === chosen);
  function forget(): void {
    setFound(null);
    setJob(null);
  }
  function go(to: string): void {
    setPath(to);
    forget();
  }
  const wanted = (isDry: boolean): VideosWanted => ({ root: chosen, path, pattern: pattern === OWN ? own : pattern, clock, dry_run: isDry });
  const look = (): void => {
    forget();
    setLooking(true);
    api
      .videos(wanted(true))
      .then(setFound)
      .catch(tell)
      .finally(() => setLooking(false));
  };
  const add = (): void => {
    api
      .videos(wanted(false))
      .then((begun) => setJob(begun.job))
      .catch(tell);
  };
  if (root === undefined) return <p class="notice">No folder is registered. Start the page with one: <code>mystax app FOLDER</code></p>;
  return (
    <fieldset class="adding">
      <legend>add videos</legend>
      {roots.length > 1 && (
        <label>
          <span class="muted">registered folder </span>
          <select
            value={chosen}
            onChange={(event) => {
              setChosen(event.currentTarget.value);
              go("");
            }}
          >
            {roots.map((one) => (
              <option key={one.id} value={one.id}>
                {one.name}
              </option>
            ))}
          </select>
        </label>
      )}
      <Folder root={root} path={path} go={go} />
      {hasCatalogue ? (
        <div class="inline">
          <label>
            <span class="muted">names of files </span>
            <select
              value={pattern}
              onChange={(event) => {
                setPattern(event.currentTarget.value);
                forget();
              }}
            >
              {[...PATTERNS, OWN].map((one) => (
                <option key={one}>{one}</option>
              ))}
            </select>
          </label>
          {pattern === OWN && (
            <label>
              <span class="muted">pattern </span>
              <input value={own} placeholder="{subject}/{date}_{session:int}/cam{camera}.{video}" size={44} onInput={(event) => setOwn(event.currentTarget.value)} />
            </label>
          )}
          <label>
            <span class="muted">clock </span>
            <input value={clock} placeholder="stamps of the videos" onInput={(event) => setClock(event.currentTarget.value)} />
          </label>
        </div>
      ) : (
        <p class="help">Each video is a recording by itself. Here the videos of one folder become the cameras of one recording; words in their names, such as left, right, cam2 or part1, say which is which.</p>
      )}
      <div class="buttons">
        <button type="button" disabled={isLooking || (pattern === OWN && own === "")} onClick={look}>
          {isLooking ? "looking…" : "look"}
        </button>
        {found !== null && job === null && (
          <button type="button" disabled={toWrite(found) === 0} onClick={add}>
            add {toWrite(found).toLocaleString("en-US")} {toWrite(found) === 1 ? "recording" : "recordings"}
          </button>
        )}
      </div>
      {found !== null && job === null && <Found found={found} />}
      {job !== null && (
        <Adding
          key={job}
          job={job}
          done={() => {
            said.value = "The videos are added";
            added();
          }}
        />
      )}
    </fieldset>
  );
}
