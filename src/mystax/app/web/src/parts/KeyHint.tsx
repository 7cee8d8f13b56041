/** The key that does the same as a button. */

import { keyText, type Action } from "../keys";

export function KeyHint({ action }: { readonly action: Action }) {
  return <kbd>{keyText(action)}</kbd>;
}
