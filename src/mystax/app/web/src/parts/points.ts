/** Keypoints of outcomes in blocks of frames, fetched when they are first drawn. */

import { signal } from "@preact/signals";

import * as api from "../api";
import { numbers } from "../envelope";
import { Lru } from "../lru";

const BLOCK = 1024;
const CACHE_BYTES = 64 << 20;

export interface FramePoints {
  readonly names: readonly string[];
  /** x, y (and z) of the first individual, one point after the other. */
  readonly places: Float32Array | Float64Array;
  readonly confidence: Float32Array | Float64Array;
  /** Remarks on each point, as bits; zeros where the outcome makes none. */
  readonly flags: Uint8Array;
  readonly n_space: number;
  readonly edges: ReadonlyArray<readonly [number, number]>;
}

interface Block {
  readonly names: readonly string[];
  readonly first: number;
  readonly n_frames: number;
  readonly n_individuals: number;
  readonly n_space: number;
  readonly edges: ReadonlyArray<readonly [number, number]>;
  readonly places: Float32Array | Float64Array;
  readonly confidence: Float32Array | Float64Array;
  readonly flags: Uint8Array;
}

const blocks = new Lru<string, Block>(CACHE_BYTES);
const asked = new Set<string>();

/** Rises when a block has come: what was drawn without it is drawn again. */
export const pointsCome = signal(0);

function fetchBlock(key: string, outcome: string, number: number): void {
  if (asked.has(key)) return;
  asked.add(key);
  api
    .points(outcome, number * BLOCK, (number + 1) * BLOCK)
    .then((found) => {
      const names = found.header["keypoints"] as readonly string[];
      const dims = found.header["dims"] as readonly string[];
      const shape = found.arrays.get("xy")?.shape ?? [];
      const side = (dim: string): number => shape[dims.indexOf(dim)] ?? 1;
      const places = numbers(found, "xy");
      const confidence = numbers(found, "confidence");
      const remarks = found.arrays.get("flag")?.values;
      const flags = remarks instanceof Uint8Array ? remarks : new Uint8Array(confidence.length);
      const block: Block = {
        names,
        first: Number(found.header["first"]),
        n_frames: side("time"),
        n_individuals: side("individual"),
        n_space: side("space"),
        edges: (found.header["edges"] as ReadonlyArray<readonly [number, number]> | undefined) ?? [],
        places,
        confidence,
        flags,
      };
      blocks.set(key, block, places.byteLength + confidence.byteLength + flags.byteLength);
      pointsCome.value += 1;
    })
    .catch(() => undefined);
}

/** The points of a frame; null until they have come, or where there are none. */
export function pointsAt(outcome: string, frame: number): FramePoints | null {
  const number = Math.floor(frame / BLOCK);
  const key = `${outcome}/${number}`;
  const block = blocks.get(key);
  if (block === undefined) {
    fetchBlock(key, outcome, number);
    return null;
  }
  const row = frame - block.first;
  if (row < 0 || row >= block.n_frames) return null;
  const n = block.names.length;
  const from = row * block.n_individuals * n;
  return {
    names: block.names,
    n_space: block.n_space,
    edges: block.edges,
    places: block.places.subarray(from * block.n_space, (from + n) * block.n_space),
    confidence: block.confidence.subarray(from, from + n),
    flags: block.flags.subarray(from, from + n),
  };
}
