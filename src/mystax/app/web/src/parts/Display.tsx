/** How pictures are shown; what is measured does not change with it. */

import { rounded } from "../roi";
import { brightness, contrast, fits, isLossless, ranges } from "../state";
import { Range } from "./Range";
import { useKeys } from "./useKeys";

function Slider({ label, of }: { readonly label: string; readonly of: typeof brightness }) {
  return (
    <label class="row">
      <span>{label}</span>
      <input
        type="range"
        min="0.25"
        max="4"
        step="0.05"
        value={of.value}
        onInput={(event) => (of.value = Number(event.currentTarget.value))}
      />
      <output class="number">{of.value.toFixed(2)}</output>
    </label>
  );
}

export function Display() {
  const by = (amount: number) => () => {
    brightness.value = Math.min(4, Math.max(0.25, rounded(brightness.value + amount, 2)));
  };
  useKeys({
    dimmer: by(-0.1),
    brighter: by(0.1),
    fit: () => (fits.value += 1),
    exactPixels: () => (isLossless.value = !isLossless.value),
  });
  return (
    <fieldset class="display">
      <legend>display only</legend>
      <Slider label="brightness" of={brightness} />
      <Slider label="contrast" of={contrast} />
      <Range />
      <label class="check">
        <input
          type="checkbox"
          checked={isLossless.value}
          onChange={(event) => (isLossless.value = event.currentTarget.checked)}
        />
        exact pixels
      </label>
      <button
        type="button"
        onClick={() => {
          brightness.value = 1;
          contrast.value = 1;
          ranges.value = new Map();
          fits.value += 1;
        }}
      >
        as recorded, fitted
      </button>
    </fieldset>
  );
}
