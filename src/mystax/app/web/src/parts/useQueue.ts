/** The queue as it changes, told by the server. */

import { useEffect, useState } from "preact/hooks";

import * as api from "../api";
import type { QueueState } from "../api.gen";
import { tell } from "../state";

const AGAIN = 3000;

/** Follow the queue while the component is there; also what sets it when an answer brings it. */
export function useQueue(): readonly [QueueState | null, (state: QueueState) => void] {
  const [state, setState] = useState<QueueState | null>(null);
  useEffect(() => {
    const stop = new AbortController();
    let timer = 0;
    const follow = (): void => {
      api
        .followQueue(setState, stop.signal)
        .catch(() => api.queue().then(setState))
        .catch((error: unknown) => !stop.signal.aborted && tell(error))
        .finally(() => {
          if (!stop.signal.aborted) timer = window.setTimeout(follow, AGAIN);
        });
    };
    follow();
    return () => {
      stop.abort();
      window.clearTimeout(timer);
    };
  }, []);
  return [state, setState];
}
