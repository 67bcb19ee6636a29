import { useCallback, useEffect, useRef, useState } from 'preact/hooks';
import type { Page, Pages } from '../../clients/typescript/src/pages';

/** What was read. While it is read again the old data stays, so that nothing jumps. */
export interface Data<T> {
  data: T | undefined;
  error: unknown;
  loading: boolean;
  reload: () => void;
  /** Show an answer at once, without reading. */
  set: (data: T) => void;
}

/** Read something when `key` changes, on `reload`, and every so many ms while the page is seen. */
export function useData<T>(key: string, read: (signal: AbortSignal) => Promise<T>, every = 0): Data<T> {
  const [state, set] = useState<{ key: string; data?: T; error?: unknown; loading: boolean }>({ key, loading: true });
  const [turn, setTurn] = useState(0);
  const current = useRef(read);
  current.current = read;
  useEffect(() => {
    const ended = new AbortController();
    set((was) => (was.key === key ? { ...was, loading: true } : { key, loading: true }));
    current.current(ended.signal).then(
      (data) => !ended.signal.aborted && set({ key, data, loading: false }),
      (error: unknown) =>
        !ended.signal.aborted && set((was) => ({ ...(was.key === key ? was : { key }), error, loading: false })),
    );
    return () => ended.abort();
  }, [key, turn]);
  const reload = useCallback(() => setTurn((was) => was + 1), []);
  useEvery(every, reload);
  const shown = state.key === key ? state : { loading: true };
  return {
    data: 'data' in shown ? shown.data : undefined,
    error: 'error' in shown ? shown.error : undefined,
    loading: shown.loading,
    reload,
    set: (data) => set({ key, data, loading: false }),
  };
}

/** A list, of which more can be read. */
export interface List<T> {
  items: T[] | undefined;
  error: unknown;
  loading: boolean;
  hasMore: boolean;
  more: () => void;
  reload: () => void;
  /** Put changed items in the place of those with their ids. */
  put: (changed: T[]) => void;
}

/**
 * Read a list page by page. Every so many ms its first page is read again, and what is new comes to the top.
 *
 * A page may be empty although there is more (docs/api-contract.md, Pagination): a few are read until one is not.
 */
export function useList<T>(key: string, list: () => Pages<T>, idOf: (item: T) => string, every = 0): List<T> {
  const empty = { items: undefined as T[] | undefined, error: undefined as unknown, loading: true, hasMore: false };
  const [state, set] = useState({ key, ...empty });
  const rest = useRef<AsyncGenerator<Page<T>>>();
  const turn = useRef(0);
  const current = useRef(list);
  current.current = list;

  const read = useCallback(
    async (mine: number, before: T[]) => {
      const shows = (change: Partial<typeof empty>) =>
        mine === turn.current && set((was) => ({ ...(was.key === key ? was : { key, ...empty }), ...change }));
      shows({ loading: true, error: undefined });
      try {
        const found: T[] = [];
        let hasMore = true;
        for (let tries = 0; hasMore && !found.length && tries < 10; tries += 1) {
          const step = await rest.current?.next();
          if (!step || step.done) break;
          found.push(...step.value.items);
          hasMore = step.value.nextCursor !== undefined;
        }
        shows({ items: merge(before, found, idOf), hasMore: hasMore && rest.current !== undefined, loading: false });
      } catch (error) {
        shows({ error, loading: false });
      }
    },
    [key],
  );

  const restart = useCallback(() => {
    turn.current += 1;
    rest.current = current.current().pages();
    void read(turn.current, []);
  }, [read]);
  useEffect(restart, [restart]);

  useEvery(every, () => {
    const mine = turn.current;
    const first = current.current().pages();
    first.next().then(
      (step) => {
        if (mine !== turn.current || step.done) return;
        const newest = step.value.items;
        set((was) => ({ ...was, items: merge(newest, was.items ?? [], idOf), error: undefined }));
      },
      () => undefined, // The next turn tries again; what is shown stays.
    );
  });

  const shown = state.key === key ? state : { key, ...empty };
  return {
    ...shown,
    more: () => void read(turn.current, shown.items ?? []),
    reload: restart,
    put: (changed) => set((was) => ({ ...was, items: replace(was.items ?? [], changed, idOf) })),
  };
}

/** Both lists as one; an item that is in both stands where it is first. */
function merge<T>(first: T[], second: T[], idOf: (item: T) => string): T[] {
  const seen = new Set(first.map(idOf));
  return [...first, ...second.filter((item) => !seen.has(idOf(item)))];
}

function replace<T>(items: T[], changed: T[], idOf: (item: T) => string): T[] {
  const byId = new Map(changed.map((item) => [idOf(item), item]));
  return items.map((item) => byId.get(idOf(item)) ?? item);
}

function useEvery(ms: number, run: () => void): void {
  const current = useRef(run);
  current.current = run;
  useEffect(() => {
    if (!ms) return undefined;
    const timer = setInterval(() => document.visibilityState === 'visible' && current.current(), ms);
    return () => clearInterval(timer);
  }, [ms]);
}

/** Something that a person starts: whether it is under way, and how it failed. */
export function useAction<A extends unknown[]>(run: (...given: A) => Promise<void>) {
  const [state, set] = useState<{ busy: boolean; error?: unknown }>({ busy: false });
  const start = async (...given: A) => {
    set({ busy: true });
    try {
      await run(...given);
      set({ busy: false });
    } catch (error) {
      set({ busy: false, error });
    }
  };
  return { ...state, run: (...given: A) => void start(...given) };
}
