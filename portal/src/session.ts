import { Client } from '../../clients/typescript/src/client';
import { API } from './base';

/** What a session may do. Everything beside `view` is hidden where it is not granted; the API refuses it as well. */
export type Capability =
  | 'view'
  | 'payloads'
  | 'secrets'
  | 'webhooks'
  | 'send'
  | 'connect'
  | 'act'
  | 'approve'
  | 'agents';

/** A session as `GET /portal/session` answers. */
export interface SessionView {
  id: string;
  capabilities: Capability[];
  expiresAt: string;
  returnUrl?: string;
  refreshUrl?: string;
  locale?: string;
  theme?: 'light' | 'dark' | 'auto';
  /** The webhooks and integrations that it is restricted to. */
  webhooks?: string[];
  integrations?: string[];
}

/** A session with what its pages need. */
export interface Session extends SessionView {
  client: Client;
  can(capability: Capability): boolean;
  /** Whether it is restricted to some webhooks or integrations: then it can add none, and publish nothing. */
  restricted: boolean;
}

/** Why there is no session, and where to get another. */
export interface Ended {
  reason: 'none' | 'ended' | 'code' | 'unreachable';
  returnUrl?: string;
  refreshUrl?: string;
}

const TOKEN = 'jobsprint.portal.token';
// Kept so that a reload of a page whose session has ended still knows where to get another.
const WAY_BACK = 'jobsprint.portal.back';

/**
 * Begin a session by the code in the fragment, else go on with that of this tab.
 *
 * The code works once; the fragment is removed before anything is sent, so it is in no history, log or Referer.
 * `onEnded` is called once the API refuses the token.
 */
export async function begin(onEnded: (ended: Ended) => void): Promise<Session | Ended> {
  const code = new URLSearchParams(location.hash.slice(1)).get('code');
  if (code) history.replaceState(history.state, '', location.pathname + location.search);
  const token = sessionStorage.getItem(TOKEN);
  if (!code && !token) return { reason: 'none', ...wayBack() };
  try {
    const response = await (code
      ? fetch(`${API}/portal/sessions/exchange`, {
          method: 'POST',
          headers: { 'Content-Type': 'application/json' },
          body: JSON.stringify({ code }),
        })
      : fetch(`${API}/portal/session`, { headers: { Authorization: `Bearer ${token}` } }));
    if (response.status >= 500) return { reason: 'unreachable', ...wayBack() };
    if (!response.ok) {
      sessionStorage.removeItem(TOKEN);
      return { reason: code ? 'code' : 'ended', ...wayBack() };
    }
    const { data } = (await response.json()) as { data: SessionView & { token?: string } };
    return open(data, data.token ?? token ?? '', onEnded);
  } catch {
    return { reason: 'unreachable', ...wayBack() };
  }
}

function open({ token: _, ...view }: SessionView & { token?: string }, token: string, onEnded: (ended: Ended) => void) {
  sessionStorage.setItem(TOKEN, token);
  const { returnUrl, refreshUrl } = view;
  sessionStorage.setItem(WAY_BACK, JSON.stringify({ returnUrl, refreshUrl }));
  const watched: typeof fetch = async (...given) => {
    const response = await fetch(...given);
    if (response.status === 401) {
      sessionStorage.removeItem(TOKEN);
      onEnded({ reason: 'ended', ...wayBack() });
    }
    return response;
  };
  return {
    ...view,
    client: new Client(token, API, { fetch: watched }),
    can: (capability: Capability) => view.capabilities.includes(capability),
    restricted: view.webhooks !== undefined || view.integrations !== undefined,
  };
}

/** Where the session came from and where to get another; only what a page may link to. */
export function wayBack(): Pick<Ended, 'returnUrl' | 'refreshUrl'> {
  const { returnUrl, refreshUrl } = JSON.parse(sessionStorage.getItem(WAY_BACK) ?? '{}') as Record<string, string>;
  return { ...(web(returnUrl) && { returnUrl }), ...(web(refreshUrl) && { refreshUrl }) };
}

/** Whether a page may link there: never to `javascript:`. */
function web(url: string | undefined): url is string {
  return url !== undefined && /^https?:\/\//i.test(url);
}
