/** Requests of which only the newest counts: one is under way, the last wish waits, an old answer is dropped. */

export interface Newest<Wish> {
  readonly seq: number;
  /** Number of the request that is under way; 0 for none. */
  readonly flying: number;
  /** What is to be asked when it has come. */
  readonly waiting: Wish | null;
  /** Number of the answer that is shown. */
  readonly shown: number;
}

export interface Next<Wish> {
  readonly state: Newest<Wish>;
  readonly send?: { readonly seq: number; readonly wish: Wish };
  readonly isShown?: boolean;
}

export const idle: Newest<never> = { seq: 0, flying: 0, waiting: null, shown: 0 };

/** Something new is wanted. */
export function wanted<Wish>(state: Newest<Wish>, wish: Wish): Next<Wish> {
  if (state.flying !== 0) return { state: { ...state, waiting: wish } };
  const seq = state.seq + 1;
  return { state: { ...state, seq, flying: seq, waiting: null }, send: { seq, wish } };
}

/** An answer, or the end of a request without one. */
export function ended<Wish>(state: Newest<Wish>, seq: number, hasAnswer: boolean): Next<Wish> {
  const isShown = hasAnswer && seq > state.shown;
  const landed: Newest<Wish> = {
    ...state,
    flying: state.flying === seq ? 0 : state.flying,
    shown: isShown ? seq : state.shown,
  };
  if (landed.flying !== 0 || landed.waiting === null) return { state: landed, isShown };
  return { ...wanted({ ...landed, waiting: null }, landed.waiting), isShown };
}
