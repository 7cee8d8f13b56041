/** Activity as pictures: 0..254 spans -clip..clip, 255 is missing; grey, dark is active. */

export const TILE = 256;
export const MISSING = 255;

/** Fill pixels (red, green, blue, opacity) from values; missing ones are see-through. */
export function greys(values: ArrayLike<number>, pixels: Uint8ClampedArray): void {
  for (let k = 0; k < values.length; k += 1) {
    const value = values[k] ?? MISSING;
    const grey = 255 - value;
    pixels[4 * k] = grey;
    pixels[4 * k + 1] = grey;
    pixels[4 * k + 2] = grey;
    pixels[4 * k + 3] = value === MISSING ? 0 : 255;
  }
}

/** Blue, white and red around zero, for masks and residuals; `values` are -1..1. */
export function signed(values: ArrayLike<number>, pixels: Uint8ClampedArray): void {
  for (let k = 0; k < values.length; k += 1) {
    const value = Math.max(-1, Math.min(1, values[k] ?? NaN));
    const isMissing = Number.isNaN(value);
    const faded = Math.round(255 * (1 - Math.abs(value)));
    pixels[4 * k] = value < 0 ? faded : 255;
    pixels[4 * k + 1] = faded;
    pixels[4 * k + 2] = value > 0 ? faded : 255;
    pixels[4 * k + 3] = isMissing ? 0 : 255;
  }
}

export interface TileAt {
  readonly tx: number;
  readonly ty: number;
}

/** The tiles that a picture of some size is made of, row by row. */
export function tilesOf(width: number, height: number): readonly TileAt[] {
  const [nx, ny] = [Math.ceil(width / TILE), Math.ceil(height / TILE)];
  return Array.from({ length: nx * ny }, (_, k) => ({ tx: k % nx, ty: Math.floor(k / nx) }));
}

/** The coarsest level (each halves the columns) that still has a column for each pixel. */
export function levelFor(columns: number, pixels: number): number {
  return Math.max(0, Math.floor(Math.log2(columns / Math.max(1, pixels))));
}
