/** A part of a recording's time that moves along it. */

/** The window moved by a share of its own length, as far as the whole allows. */
export function panned(
  [start, stop]: readonly [number, number],
  [first, last]: readonly [number, number],
  share: number,
): readonly [number, number] {
  const by = Math.max(Math.min(first - start, 0), Math.min(share * (stop - start), Math.max(last - stop, 0)));
  return [start + by, stop + by];
}
