/** Labels: points are placed, hidden or absent; every gesture is kept, and nothing is ever lost. */

import { useEffect } from "preact/hooks";

import { Desk } from "../parts/label/Desk";
import { NewSet } from "../parts/label/NewSet";
import { labels, openSet, set } from "../parts/labelDesk";
import { Empty, NoRecording } from "../parts/Need";
import { clocks, open, tell } from "../state";

export function Label() {
  const recording = open.value;
  const first = recording?.labels[0];
  useEffect(() => {
    if (recording !== null && first !== undefined && !recording.labels.some((one) => one.id === set.value?.id)) openSet(first.id).catch(tell);
  }, [recording?.id, first?.id]);
  if (recording === null) return <NoRecording title="Label" />;
  if (recording.cameras.length === 0) return <Empty title="Label">The videos of {recording.name} are not here: there is no picture to label.</Empty>;
  if (first === undefined) return <NewSet recording={recording} />;
  const isHere = recording.labels.some((one) => one.id === set.value?.id);
  const isReady = recording.cameras.every((camera) => clocks.value.has(camera.id));
  if (labels.value === null || !isHere || !isReady) return <section class="screen" aria-busy="true" />;
  return <Desk recording={recording} now={labels.value} />;
}
