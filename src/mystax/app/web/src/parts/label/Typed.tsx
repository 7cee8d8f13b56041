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
  const field = (name: "x" | "y") => (
    <label>
      {name}
      <input
        type="number"
        step={0.25}
        disabled={isFixed.value}
        value={at === null ? "" : rounded(at[name], 2)}
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
