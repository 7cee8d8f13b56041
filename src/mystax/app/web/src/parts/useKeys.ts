/** Who answers to which key: a screen gives its actions while it is shown. */

import { signal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";

import { choose, isKept, type Action } from "../keys";

export type Actions = Partial<Record<Action, () => void>>;

interface Holder {
  current: Actions;
}

const holders = signal<readonly Holder[]>([]);

/** Answer to keys as long as the component is there; the last one that came is asked first. */
export function useKeys(actions: Actions): void {
  const holder = useRef(actions);
  holder.current = actions;
  useEffect(() => {
    holders.value = [...holders.peek(), holder];
    return () => {
      holders.value = holders.peek().filter((one) => one !== holder);
    };
  }, []);
}

/** What an action does now; undefined where nobody is there for it. */
export function present(action: Action): (() => void) | undefined {
  for (const holder of [...holders.value].reverse()) {
    const found = holder.current[action];
    if (found !== undefined) return found;
  }
  return undefined;
}

export function onKey(event: KeyboardEvent): void {
  const target = event.target instanceof HTMLElement ? event.target : null;
  const isOfPage = target?.dataset["keys"] === "page";
  const type = target instanceof HTMLInputElement ? target.type : "";
  if (target?.closest("dialog") !== null && target !== null && event.key !== "Escape") return;
  if (target !== null && !isOfPage && isKept(target.tagName, type, event)) return;
  const action = choose(event, (one) => present(one) !== undefined);
  // Tab moves the focus as everywhere, but where nothing has it.
  if (action === null || (action === "nextPoint" && target !== null && target !== document.body)) return;
  event.preventDefault();
  present(action)?.();
}
