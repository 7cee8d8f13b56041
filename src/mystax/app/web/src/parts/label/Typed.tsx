/** The chosen point by its numbers. */

import type { Point } from "../../geometry";
import { placed, type Change } from "../../labels";
import { rounded } from "../../roi";
import { changeOf, isFixed } from "../labelDesk";
import { chosen } from "./hand";

interface TypedProps {
  readonly camera: string;
  readonly frame: number;
  readonly at: Point | null;
  readonly act: (changes: readonly Change[]) => void;
}

export function Typed({ camera, frame, at, act }: TypedProps) {
  const text = (name: "x" | "y"): string => (at === null ? "" : String(rounded(at[name], 2)));
  const field = (name: "x" | "y") => (
    <label>
      {name}
      <input
        type="number"
        step={0.25}
        disabled={isFixed.value}
        ref={(made: HTMLInputElement | null) => {
          // What is being typed stays, whatever an answer draws meanwhile.
          if (made !== null && made !== document.activeElement) made.value = text(name);
        }}
        onBlur={(event) => {
          event.currentTarget.value = text(name);
        }}
        onChange={(event) => {
          const value = event.currentTarget.valueAsNumber;
          if (!Number.isFinite(value)) return;
          const next = { x: at?.x ?? 0, y: at?.y ?? 0, [name]: value };
          act(changeOf(camera, frame, chosen.value, placed(next.x, next.y)));
        }}
      />
    </label>
  );
  return (
    <fieldset class="numbers">
      <legend>{chosen.value}</legend>
      {field("x")}
      {field("y")}
    </fieldset>
  );
}
