/** The way of a point through the frames around the one that is shown. */

import type { Point } from "./geometry";

/** Where the points of a frame are; null where one is missing. */
export type Whereabouts = (frame: number) => ReadonlyArray<Point | null> | null;

/**
 * The ways of all points from frame to frame, from `frame - reach` to `frame + reach`.
 *
 * A way ends at a frame in which its point is missing and begins anew after it: nothing is drawn through gaps.
 */
export function trailsAt(at: Whereabouts, frame: number, reach: number): ReadonlyArray<readonly Point[]> {
  const open = new Map<number, Point[]>();
  const done: Point[][] = [];
  for (let now = frame - reach; now <= frame + reach; now += 1) {
    const places = now < 0 ? null : at(now);
    for (const [k, way] of open) {
      if ((places?.[k] ?? null) !== null) continue;
      done.push(way);
      open.delete(k);
    }
    places?.forEach((place, k) => {
      if (place === null) return;
      const way = open.get(k);
      if (way === undefined) open.set(k, [place]);
      else way.push(place);
    });
  }
  return [...done, ...open.values()].filter((way) => way.length > 1);
}
