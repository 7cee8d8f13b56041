/** Values of the frames around the one that is shown: which are asked for next, and the line that they make. */

/** Frames that are asked for at once. */
export const BLOCK = 10;
/** Frames to each side of the one that is shown. */
export const REACH = 150;

/** Values of blocks of frames, by the number of their first frame. */
export type Blocks = ReadonlyMap<number, ArrayLike<number>>;

/** The first frame of the block to ask for next: the one nearest to the shown frame that is not there; null where all are. */
export function nextBlock(middle: number, n_frames: number, blocks: Blocks, reach = REACH): number | null {
  const home = Math.floor(middle / BLOCK) * BLOCK;
  const last = Math.min(n_frames - 1, middle + reach);
  for (let step = 0; step <= reach + BLOCK; step += BLOCK) {
    for (const first of step === 0 ? [home] : [home + step, home - step]) {
      const isInside = first + BLOCK > Math.max(0, middle - reach) && first <= last && first >= 0;
      if (isInside && !blocks.has(first)) return first;
    }
  }
  return null;
}

/** The value of a frame; NaN where it is missing or not there yet. */
export function valueAt(blocks: Blocks, frame: number): number {
  const first = Math.floor(frame / BLOCK) * BLOCK;
  return blocks.get(first)?.[frame - first] ?? NaN;
}

export interface Drawn {
  /** Runs of frames with values: frame and value. */
  readonly runs: ReadonlyArray<ReadonlyArray<readonly [number, number]>>;
  readonly least: number;
  readonly most: number;
  /** How many of the frames around have been asked for and have come. */
  readonly n_known: number;
  readonly n_all: number;
}

/** The line of the frames around one; it breaks where a value is missing. */
export function lineAround(middle: number, n_frames: number, blocks: Blocks, reach = REACH): Drawn {
  const [first, last] = [Math.max(0, middle - reach), Math.min(n_frames - 1, middle + reach)];
  const runs: Array<Array<readonly [number, number]>> = [];
  let [least, most, n_known] = [Infinity, -Infinity, 0];
  let isOpen = false;
  for (let frame = first; frame <= last; frame += 1) {
    if (blocks.has(Math.floor(frame / BLOCK) * BLOCK)) n_known += 1;
    const value = valueAt(blocks, frame);
    if (!Number.isFinite(value)) {
      isOpen = false;
      continue;
    }
    if (!isOpen) runs.push([]);
    isOpen = true;
    runs[runs.length - 1]?.push([frame, value]);
    least = Math.min(least, value);
    most = Math.max(most, value);
  }
  return { runs, least, most, n_known, n_all: Math.max(0, last - first + 1) };
}
