/** The sheet of keys, and the list of commands: both are the table of keys. */

import { signal } from "@preact/signals";
import { useLayoutEffect, useRef, useState } from "preact/hooks";

import { KEYS, shown, type Action } from "../keys";
import { addressOf, open, SCREENS } from "../state";
import { present, useKeys } from "./useKeys";

const shownSheet = signal<"keys" | "commands" | null>(null);

interface Command {
  readonly text: string;
  readonly keys: string;
  readonly act: () => void;
}

function commands(): Command[] {
  const screens = SCREENS.map(([id, title]) => ({
    text: `open ${title}`,
    keys: "",
    act: () => void (window.location.hash = addressOf(id, open.value?.id ?? null)),
  }));
  const actions = KEYS.flatMap(({ action, says, keys }) => {
    const act = present(action);
    return act === undefined || action === "commands" || action === "leave" ? [] : [{ text: says, keys: keys.map(shown).join("  or  "), act }];
  });
  return [...screens, ...actions];
}

const GROUPS: ReadonlyArray<readonly [string, string]> = [
  ["time", "Time"],
  ["picture", "Picture"],
  ["regions", "ROIs"],
  ["labels", "Label"],
  ["page", "Page"],
];

function Keys() {
  return (
    <div class="keys">
      {GROUPS.map(([group, title]) => (
        <section key={group} aria-label={title}>
          <h3>{title}</h3>
          <dl>
            {KEYS.filter((one) => one.group === group && !/^point[2-9]$/.test(one.action)).map(({ action, keys, says }) => (
              <div key={action}>
                <dt>
                  {(action === "point1" ? ["1", "9"] : keys).map((one, k) => (
                    <>
                      {k > 0 && (action === "point1" ? " to " : " or ")}
                      <kbd>{shown(one)}</kbd>
                    </>
                  ))}
                </dt>
                <dd>{action === "point1" ? "choose a point" : says}</dd>
              </div>
            ))}
          </dl>
        </section>
      ))}
    </div>
  );
}

function Commands({ close }: { readonly close: () => void }) {
  const [text, setText] = useState("");
  const [at, setAt] = useState(0);
  const found = commands().filter((one) => one.text.toLowerCase().includes(text.toLowerCase()));
  const chosen = Math.min(at, found.length - 1);
  const act = (command: Command | undefined): void => {
    if (command === undefined) return;
    close();
    command.act();
  };
  return (
    <>
      <input
        autofocus
        role="combobox"
        aria-label="command"
        aria-expanded="true"
        aria-controls="commands"
        aria-activedescendant={`command${chosen}`}
        placeholder="type a command"
        value={text}
        onInput={(event) => {
          setText(event.currentTarget.value);
          setAt(0);
        }}
        onKeyDown={(event) => {
          if (event.key === "ArrowDown") setAt(Math.min(found.length - 1, chosen + 1));
          else if (event.key === "ArrowUp") setAt(Math.max(0, chosen - 1));
          else if (event.key === "Enter") act(found[chosen]);
          else return;
          event.preventDefault();
        }}
      />
      <ul id="commands" role="listbox" aria-label="commands" class="commands">
        {found.map((command, k) => (
          <li
            key={command.text}
            id={`command${k}`}
            role="option"
            aria-selected={k === chosen}
            onClick={() => act(command)}
            ref={(row) => void (k === chosen && row?.scrollIntoView({ block: "nearest" }))}
          >
            <span>{command.text}</span>
            <span class="muted">{command.keys}</span>
          </li>
        ))}
      </ul>
    </>
  );
}

export function Sheet() {
  const dialog = useRef<HTMLDialogElement>(null);
  const now = shownSheet.value;
  const toggle = (which: Action & ("sheet" | "commands")): void => {
    const wanted = which === "sheet" ? "keys" : "commands";
    shownSheet.value = shownSheet.value === wanted ? null : wanted;
  };
  useKeys({ sheet: () => toggle("sheet"), commands: () => toggle("commands") });
  // Before the next key comes: what is typed right after Ctrl+K belongs to the list of commands.
  useLayoutEffect(() => {
    const host = dialog.current;
    if (host === null) return;
    if (now !== null && !host.open) host.showModal();
    if (now === null && host.open) host.close();
  }, [now]);
  const close = (): void => void (shownSheet.value = null);
  return (
    <dialog
      ref={dialog}
      class="sheet"
      aria-label={now === "commands" ? "commands" : "keys"}
      onCancel={close}
      onClick={(event) => event.target === dialog.current && close()}
    >
      {now !== null && (
        <header>
          <h2>{now === "keys" ? "Keys" : "Commands"}</h2>
          <button type="button" onClick={close}>
            close
          </button>
        </header>
      )}
      {now === "keys" && <Keys />}
      {now === "commands" && <Commands close={close} />}
    </dialog>
  );
}

/** The button of the rail that opens the sheet. */
export function SheetButton() {
  return (
    <button type="button" class="plain" aria-haspopup="dialog" onClick={() => (shownSheet.value = "keys")}>
      keys <kbd>?</kbd>
    </button>
  );
}
