import type { ComponentChildren, JSX } from 'preact';
import { createElement } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { ROOT } from './base';

/** Where the browser is: the page's path below the portal, without slashes at its ends, and the query. */
export interface Place {
  path: string;
  query: URLSearchParams;
}

const MOVED = 'portal:moved';
let moved = false;

/** Whether the reader came to this page from another one of the portal. */
export function hasMoved(): boolean {
  return moved;
}

function here(): Place {
  const below = location.pathname.startsWith(ROOT) ? location.pathname.slice(ROOT.length) : '';
  return { path: below.replace(/^\/+|\/+$/g, ''), query: new URLSearchParams(location.search) };
}

/** The place now; the component is rendered again when it changes. */
export function usePlace(): Place {
  const [place, set] = useState(here);
  useEffect(() => {
    const update = () => set(here());
    addEventListener('popstate', update);
    addEventListener(MOVED, update);
    return () => {
      removeEventListener('popstate', update);
      removeEventListener(MOVED, update);
    };
  }, []);
  return place;
}

/** The address of a page, such as `webhooks/wh_1?x=y`. */
export function href(to: string): string {
  return `${ROOT}/${to}`;
}

/** Go to a page; `replace` leaves no entry in the history. */
export function go(to: string, replace = false): void {
  history[replace ? 'replaceState' : 'pushState'](null, '', href(to));
  moved ||= !replace;
  dispatchEvent(new Event(MOVED));
  if (!replace) scrollTo(0, 0);
}

/** Change parameters of the query; an empty value removes one. */
export function setQuery(changes: Record<string, string>): void {
  const { path, query } = here();
  for (const [name, value] of Object.entries(changes)) {
    if (value) query.set(name, value);
    else query.delete(name);
  }
  const text = query.toString();
  go(text ? `${path}?${text}` : path, true);
}

interface LinkProps extends Omit<JSX.HTMLAttributes<HTMLAnchorElement>, 'href'> {
  to: string;
  class?: string;
  children?: ComponentChildren;
}

/** A link to a page, which the browser may also open elsewhere. */
export function A({ to, ...rest }: LinkProps): JSX.Element {
  const onClick = (event: MouseEvent) => {
    if (event.defaultPrevented || event.button || event.metaKey || event.ctrlKey || event.shiftKey) return;
    event.preventDefault();
    go(to);
  };
  return createElement('a', { ...rest, href: href(to), onClick });
}
