/** A cache by size: what was used least recently goes first, and is told about it. */
export class Lru<Key, Value> {
  readonly #kept = new Map<Key, { value: Value; size: number }>();
  #used = 0;

  constructor(
    readonly limit: number,
    readonly evicted: (value: Value, key: Key) => void = () => undefined,
  ) {}

  get used(): number {
    return this.#used;
  }

  get count(): number {
    return this.#kept.size;
  }

  has(key: Key): boolean {
    return this.#kept.has(key);
  }

  get(key: Key): Value | undefined {
    const entry = this.#kept.get(key);
    if (entry === undefined) return undefined;
    this.#kept.delete(key);
    this.#kept.set(key, entry);
    return entry.value;
  }

  set(key: Key, value: Value, size: number): void {
    this.delete(key);
    this.#kept.set(key, { value, size });
    this.#used += size;
    for (const oldest of this.#kept.keys()) {
      if (this.#used <= this.limit || this.#kept.size === 1) break;
      this.delete(oldest);
    }
  }

  delete(key: Key): void {
    const entry = this.#kept.get(key);
    if (entry === undefined) return;
    this.#kept.delete(key);
    this.#used -= entry.size;
    this.evicted(entry.value, key);
  }

  clear(): void {
    for (const key of [...this.#kept.keys()]) this.delete(key);
  }
}
