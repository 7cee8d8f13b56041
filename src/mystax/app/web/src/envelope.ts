/** Arrays from the server: one container, little-endian, aligned; `envelope.py` writes it. */

const MAGIC = "MYX1";
const ALIGNED = 8;

const TYPES = {
  u1: Uint8Array,
  i1: Int8Array,
  i2: Int16Array,
  u2: Uint16Array,
  i4: Int32Array,
  i8: BigInt64Array,
  f4: Float32Array,
  f8: Float64Array,
} as const;

export type Kind = keyof typeof TYPES;
export type Values = InstanceType<(typeof TYPES)[Kind]>;

export interface Block {
  readonly shape: readonly number[];
  readonly values: Values;
}

export interface Envelope {
  readonly arrays: ReadonlyMap<string, Block>;
  readonly header: Readonly<Record<string, unknown>>;
}

interface Entry {
  readonly name: string;
  readonly dtype: string;
  readonly shape: readonly number[];
}

function isKind(text: string): text is Kind {
  return Object.hasOwn(TYPES, text);
}

/** Take a body apart; the arrays are views of it. */
export function unpack(body: ArrayBuffer): Envelope {
  const bytes = new Uint8Array(body);
  if (bytes.length < 8 || String.fromCharCode(...bytes.subarray(0, 4)) !== MAGIC) {
    throw new RangeError("not an envelope of mystax");
  }
  const length = new DataView(body).getUint32(4, true);
  let start = 8 + length;
  const text = new TextDecoder("utf-8", { fatal: true }).decode(bytes.subarray(8, start));
  const { arrays: entries, ...header } = JSON.parse(text) as { arrays: Entry[] } & Record<string, unknown>;
  const arrays = new Map<string, Block>();
  for (const { name, dtype, shape } of entries) {
    if (!isKind(dtype)) throw new RangeError(`${name}: no such type ${dtype}`);
    const Type = TYPES[dtype];
    const count = shape.reduce((product, side) => product * side, 1);
    const size = count * Type.BYTES_PER_ELEMENT;
    if (start + size > body.byteLength) throw new RangeError(`${name}: the body ends before the array does`);
    arrays.set(name, { shape, values: new Type(body, start, count) });
    start += Math.ceil(size / ALIGNED) * ALIGNED;
  }
  return { arrays, header };
}

/** Return the numbers of an array; whole numbers of 64 bits become doubles (exact below 2^53). */
export function numbers(envelope: Envelope, name: string): Float64Array | Float32Array {
  const block = envelope.arrays.get(name);
  if (block === undefined) throw new RangeError(`there is no array ${name}`);
  const { values } = block;
  if (values instanceof Float32Array || values instanceof Float64Array) return values;
  return Float64Array.from(values as ArrayLike<number | bigint>, Number);
}
