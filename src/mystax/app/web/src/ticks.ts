/** The words of an axis: its unit and what stands at its ticks, as short as tells them apart, never rounded to another number. */

const NEAR = 1e-6;

/** From here on, and for steps below the next, powers of ten are written. */
const LARGE = 1e5;
const SMALL = 1e-3;

const powerOf = (value: number): number => Math.floor(Math.log10(value) + NEAR);

export function tickTexts(ticks: readonly number[]): string[] {
  const most = Math.max(...ticks.map(Math.abs));
  const step = Math.abs((ticks[1] ?? NaN) - (ticks[0] ?? NaN)) || most || 1;
  const power = powerOf(step);
  const digit = step / 10 ** power;
  // A step of 2.5 has two digits, all others of an axis have one.
  const last = Math.abs(digit - Math.round(digit)) < NEAR ? power : power - 1;
  if (most < LARGE && step > SMALL * (1 - NEAR)) return ticks.map((tick) => tick.toFixed(Math.max(0, -last)));
  return ticks.map((tick) => {
    if (Math.abs(tick) < step / 2) return "0";
    return tick.toExponential(Math.max(0, powerOf(Math.abs(tick)) - last)).replace("e+", "e");
  });
}

/** A unit as people write it; nothing for numbers without one. */
export function unitText(unit: string): string {
  return unit === "1" ? "" : unit.replace(/([a-z])([23])$/, (_, name: string, power: string) => name + (power === "2" ? "²" : "³")).replace("_", " ");
}
