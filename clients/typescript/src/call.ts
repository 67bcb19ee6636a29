/** What one call may say beside its input. */
export interface RequestOptions {
  /** Makes a repeat of this call safe, for 24 hours. One is made for each call of a POST. */
  idempotencyKey?: string;
  /** Headers to add, such as `traceparent`. */
  headers?: Record<string, string>;
  /** Ends the call, its repeats included. */
  signal?: AbortSignal;
}

/** What all attempts at a call have in common. */
export interface Call {
  verb: string;
  path: string;
  query?: object;
  body?: object;
  key?: string;
  headers?: Record<string, string>;
  options?: RequestOptions | undefined;
}

/** The caller's idempotency key, or a new one. */
export function newKey(options?: RequestOptions): string {
  return options?.idempotencyKey ?? crypto.randomUUID();
}

interface WithId {
  id?: string | null | undefined;
}

/** An event with an `id`: that of the caller, or a new one. */
export function withId<T extends WithId>(event: T): T {
  return { ...event, id: event.id ?? newKey() };
}

/** A batch of events with an `id` each. */
export function withIds<T extends { events: readonly WithId[] }>(batch: T): T {
  return { ...batch, events: batch.events.map(withId) };
}

/** A value as one segment of a path. Throws TypeError for one that would lead to another path. */
export function segment(value: string): string {
  if (['', '.', '..', undefined, null].includes(value)) throw new TypeError(`'${value}' is not an id`);
  return encodeURIComponent(value);
}

/** Path and query of a call. */
export function target({ path, query = {} }: Call): string {
  const given = Object.entries(query).filter(([, value]) => value != null);
  const pairs = given.map(([name, value]) => [name, value instanceof Date ? value.toISOString() : String(value)]);
  return pairs.length ? `${path}?${new URLSearchParams(pairs)}` : path;
}
