/** All keys in one table: the sheet under `?`, the list of commands and the tests are made from it. */

export type Action =
  | "back" | "forward" | "back10" | "forward10" | "backSecond" | "forwardSecond" | "first" | "last" | "goto"
  | "play" | "slower" | "faster" | "fit" | "exactPixels" | "dimmer" | "brighter"
  | "rectangle" | "ellipse" | "polygon" | "putShape" | "remove" | "leave" | "save"
  | "nudgeLeft" | "nudgeRight" | "nudgeUp" | "nudgeDown"
  | "fineLeft" | "fineRight" | "fineUp" | "fineDown"
  | "narrower" | "wider" | "lower" | "higher"
  | "point1" | "point2" | "point3" | "point4" | "point5" | "point6" | "point7" | "point8" | "point9" | "nextPoint"
  | "invisible" | "absent" | "accept" | "nextSuggestion" | "previousSuggestion" | "nextLabelled" | "previousLabelled"
  | "addFrame" | "mark" | "copyPrevious" | "undo" | "redo" | "commands" | "sheet";

export interface Key {
  readonly action: Action;
  /** As people write them: modifiers first, then the key. */
  readonly keys: readonly string[];
  readonly says: string;
  readonly group: "time" | "picture" | "regions" | "labels" | "page";
}

const key = (group: Key["group"], action: Action, says: string, ...keys: readonly string[]): Key => ({
  action,
  keys,
  says,
  group,
});

export const KEYS: readonly Key[] = [
  key("time", "back", "one frame back", "ArrowLeft"),
  key("time", "forward", "one frame on", "ArrowRight"),
  key("time", "back10", "ten frames back", "Shift+ArrowLeft"),
  key("time", "forward10", "ten frames on", "Shift+ArrowRight"),
  key("time", "backSecond", "one second back", "Ctrl+ArrowLeft"),
  key("time", "forwardSecond", "one second on", "Ctrl+ArrowRight"),
  key("time", "first", "to the first frame", "Home"),
  key("time", "last", "to the last frame", "End"),
  key("time", "goto", "go to a frame or time", "g"),
  key("time", "play", "play or pause", "Space"),
  key("time", "slower", "slower", "-"),
  key("time", "faster", "faster", "="),
  key("picture", "fit", "fit the picture", "f"),
  key("picture", "exactPixels", "exact pixels", "x"),
  key("picture", "dimmer", "darker (display only)", "["),
  key("picture", "brighter", "brighter (display only)", "]"),
  key("regions", "rectangle", "draw a rectangle", "r"),
  key("regions", "ellipse", "draw an ellipse", "e"),
  key("regions", "polygon", "draw a polygon", "o"),
  key("regions", "putShape", "put the new region in the middle", "Enter"),
  key("regions", "narrower", "narrower", "Alt+Shift+ArrowLeft"),
  key("regions", "wider", "wider", "Alt+Shift+ArrowRight"),
  key("regions", "lower", "less high", "Alt+Shift+ArrowUp"),
  key("regions", "higher", "higher", "Alt+Shift+ArrowDown"),
  key("regions", "save", "save the regions", "Ctrl+s"),
  key("labels", "nudgeLeft", "nudge left 1 px", "Alt+ArrowLeft"),
  key("labels", "nudgeRight", "nudge right 1 px", "Alt+ArrowRight"),
  key("labels", "nudgeUp", "nudge up 1 px", "Alt+ArrowUp"),
  key("labels", "nudgeDown", "nudge down 1 px", "Alt+ArrowDown"),
  key("labels", "fineLeft", "nudge left 0.25 px", "Alt+Shift+ArrowLeft"),
  key("labels", "fineRight", "nudge right 0.25 px", "Alt+Shift+ArrowRight"),
  key("labels", "fineUp", "nudge up 0.25 px", "Alt+Shift+ArrowUp"),
  key("labels", "fineDown", "nudge down 0.25 px", "Alt+Shift+ArrowDown"),
  ...([1, 2, 3, 4, 5, 6, 7, 8, 9] as const).map((n) => key("labels", `point${n}`, `choose point ${n}`, String(n))),
  key("labels", "nextPoint", "choose the next point", "Tab"),
  key("labels", "invisible", "the point is hidden", "v"),
  key("labels", "absent", "the point is not in the picture", "Delete", "Backspace", "Shift+d"),
  key("regions", "remove", "remove the region", "Delete", "Backspace"),
  key("labels", "accept", "accept all, next suggestion", "Enter"),
  key("labels", "nextSuggestion", "next suggestion", "n"),
  key("labels", "previousSuggestion", "previous suggestion", "p"),
  key("labels", "nextLabelled", "next labelled frame", "."),
  key("labels", "previousLabelled", "previous labelled frame", ","),
  key("labels", "addFrame", "add the frame to the set", "a"),
  key("labels", "mark", "start or end a marked stretch", "m"),
  key("labels", "copyPrevious", "copy the previous labels", "c"),
  key("labels", "undo", "undo", "Ctrl+z"),
  key("labels", "redo", "redo", "Ctrl+Shift+z", "Ctrl+y"),
  key("page", "commands", "all commands", "Ctrl+k"),
  key("page", "sheet", "this list of keys", "?"),
  key("page", "leave", "leave the tool", "Escape"),
];

/** What of a keyboard event is read. */
export interface Pressed {
  readonly key: string;
  readonly ctrlKey: boolean;
  readonly metaKey: boolean;
  readonly shiftKey: boolean;
  readonly altKey: boolean;
}

/** Write what was pressed as the table writes it: Cmd counts as Ctrl, Shift only where the key has no sign of its own. */
export function chord({ key: name, ctrlKey, metaKey, shiftKey, altKey }: Pressed): string {
  const isSign = name.length === 1 && name !== " " && name.toLowerCase() === name.toUpperCase();
  const parts: string[] = [];
  if (ctrlKey || metaKey) parts.push("Ctrl");
  if (altKey) parts.push("Alt");
  if (shiftKey && !isSign) parts.push("Shift");
  parts.push(name === " " ? "Space" : name.length === 1 ? name.toLowerCase() : name);
  return parts.join("+");
}

/** The actions that a key may mean, in the order of the table. */
export function actionsOf(pressed: Pressed): readonly Action[] {
  const text = chord(pressed);
  return KEYS.filter((one) => one.keys.includes(text)).map((one) => one.action);
}

/** The first action that somebody is there for. */
export function choose(pressed: Pressed, present: (action: Action) => boolean): Action | null {
  return actionsOf(pressed).find(present) ?? null;
}

const SIGNS: Readonly<Record<string, string>> = { ArrowLeft: "←", ArrowRight: "→", ArrowUp: "↑", ArrowDown: "↓" };

/** How a key is shown to people. */
export function shown(keys: string): string {
  return keys
    .split("+")
    .map((part) => SIGNS[part] ?? (part.length === 1 ? part.toUpperCase() : part))
    .join(" ");
}

/** The first key of an action, as shown on its button. */
export function keyText(action: Action): string {
  return shown(KEYS.find((one) => one.action === action)?.keys[0] ?? "");
}

/** What a focused element keeps for itself: fields take all keys, buttons and links Space and Enter. */
export function isKept(tag: string, type: string, pressed: Pressed): boolean {
  if (pressed.key === "Escape") return false;
  const isFree = tag === "INPUT" && ["button", "checkbox", "radio"].includes(type);
  if ((tag === "INPUT" && !isFree) || tag === "TEXTAREA" || tag === "SELECT") return !isCommand(pressed);
  const presses = pressed.key === " " || pressed.key === "Enter";
  return presses && (tag === "BUTTON" || tag === "A" || tag === "SUMMARY" || isFree);
}

function isCommand(pressed: Pressed): boolean {
  return ["Ctrl+k", "Ctrl+s"].includes(chord(pressed));
}
