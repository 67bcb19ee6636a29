import type { ComponentType, JSX } from 'preact';
import { useEffect, useReducer, useState } from 'preact/hooks';
import { SessionContext } from './context';
import { type Key, LANGUAGES, type Language, speak, spoken, t } from './i18n';
import { Icon, type IconName } from './icons';
import { Webhooks } from './pages/webhooks';
import { prefer, wear } from './preferences';
import { A, href, usePlace } from './router';
import { type Capability, type Ended, type Session, wayBack } from './session';
import { Bones, Button, Empty, Failed } from './ui';

/** What a page is given: the parts of its address, by name. */
export type Params = Record<string, string>;
type View = ComponentType<{ params: Params }>;

interface Route {
  path: string;
  /** What a session needs beside `view`. */
  needs?: Capability;
  load: () => Promise<View>;
}

// The first page is part of the first load; each other one is a file of its own.
const ROUTES: Route[] = [
  { path: '', load: async () => Webhooks },
  { path: 'webhooks', load: async () => Webhooks },
  { path: 'webhooks/new', needs: 'webhooks', load: async () => (await import('./pages/new-webhook')).NewWebhook },
  { path: 'webhooks/:id', load: async () => (await import('./pages/webhook')).Webhook },
  { path: 'webhooks/:id/deliveries', load: async () => (await import('./pages/deliveries')).Deliveries },
  { path: 'webhooks/:id/deliveries/:delivery', load: async () => (await import('./pages/delivery')).Delivery },
  { path: 'webhooks/:id/recover', load: async () => (await import('./pages/recover')).Recover },
  { path: 'webhooks/:id/settings', needs: 'webhooks', load: async () => (await import('./pages/settings')).Settings },
  { path: 'events', load: async () => (await import('./pages/events')).Events },
  { path: 'integrations', load: async () => (await import('./pages/integrations')).Integrations },
  { path: 'integrations/connect/:app', needs: 'connect', load: async () => (await import('./pages/connect')).Connect },
  { path: 'integrations/:id', load: async () => (await import('./pages/integration')).Integration },
  { path: 'approvals', needs: 'approve', load: async () => (await import('./pages/approvals')).Approvals },
  { path: 'agents', needs: 'agents', load: async () => (await import('./pages/agents')).Agents },
  { path: 'audit', load: async () => (await import('./pages/audit')).Audit },
];

const SECTIONS: { path: string; text: Key; icon: IconName; needs?: Capability }[] = [
  { path: 'webhooks', text: 'nav.webhooks', icon: 'webhooks' },
  { path: 'events', text: 'nav.events', icon: 'events' },
  { path: 'integrations', text: 'nav.integrations', icon: 'integrations' },
  { path: 'approvals', text: 'nav.approvals', icon: 'approvals', needs: 'approve' },
  { path: 'agents', text: 'nav.agents', icon: 'agents', needs: 'agents' },
  { path: 'audit', text: 'nav.audit', icon: 'audit' },
];

/** The route of a path with what its `:names` stand for; a literal part beats a name. */
function match(path: string): { route: Route; params: Params } | undefined {
  const parts = path.split('/');
  for (const route of ROUTES) {
    const wanted = route.path.split('/');
    if (wanted.length !== parts.length) continue;
    const params: Params = {};
    const fits = wanted.every((part, index) => {
      const given = parts[index] ?? '';
      if (!part.startsWith(':')) return part === given;
      params[part.slice(1)] = decodeURIComponent(given);
      return true;
    });
    if (fits) return { route, params };
  }
  return undefined;
}

/** Navigation and the page that the address names. */
export function Shell({ session }: { session: Session }): JSX.Element {
  const { path } = usePlace();
  const [, changed] = useReducer((turn: number) => turn + 1, 0);
  const found = match(path);
  return (
    <SessionContext.Provider value={session}>
      <a class="skip" href="#main">
        {t('skip')}
      </a>
      <div class="frame">
        <Side session={session} path={path} onChange={() => changed(0)} />
        <main id="main" class="main" tabIndex={-1}>
          {found ? (
            <Loaded key={`${path} ${spoken()}`} {...found} allowed={!found.route.needs || session.can(found.route.needs)} />
          ) : (
            <Missing />
          )}
        </main>
      </div>
      <div id="said" class="hidden" role="status" aria-live="polite" />
    </SessionContext.Provider>
  );
}

function Loaded({ route, params, allowed }: { route: Route; params: Params; allowed: boolean }): JSX.Element {
  const [state, set] = useState<{ view?: View; error?: unknown }>(route.path === 'webhooks' || !route.path ? { view: Webhooks } : {});
  const load = () => void route.load().then((view) => set({ view }), (error: unknown) => set({ error }));
  useEffect(() => {
    if (allowed && !state.view) load();
  }, []);
  if (!allowed) {
    return (
      <div class="card">
        <Empty whole icon="lock" title={t('forbidden.title')}>
          {t('forbidden.text')}
        </Empty>
      </div>
    );
  }
  // A file that is gone was replaced by a newer version, which a reload brings.
  if (state.error) return <Failed error={state.error} retry={() => location.reload()} />;
  return state.view ? <state.view params={params} /> : <Bones />;
}

function Missing(): JSX.Element {
  return (
    <div class="card">
      <Empty whole icon="search" title={t('missing.title')} action={<A to="webhooks" class="button">{t('missing.home')}</A>}>
        {t('missing.page')}
      </Empty>
    </div>
  );
}

function Side({ session, path, onChange }: { session: Session; path: string; onChange: () => void }): JSX.Element {
  const [open, set] = useState(false);
  useEffect(() => set(false), [path]);
  const section = path.split('/')[0] || 'webhooks';
  return (
    <header class="side" data-open={open}>
      <div class="bar">
        <div class="brand">{t('brand')}</div>
        <button type="button" class="menu" aria-expanded={open} onClick={() => set(!open)}>
          <Icon name={open ? 'close' : 'menu'} />
          {t('menu')}
        </button>
      </div>
      <nav class="nav" aria-label={t('sections')}>
        <ul>
          {SECTIONS.filter(({ needs }) => !needs || session.can(needs)).map(({ path: to, text, icon }) => (
            <li key={to}>
              <A to={to} aria-current={section === to ? 'page' : undefined}>
                <Icon name={icon} />
                {t(text)}
              </A>
            </li>
          ))}
        </ul>
      </nav>
      <Choices onChange={onChange} />
    </header>
  );
}

function Choices({ onChange }: { onChange: () => void }): JSX.Element {
  const { returnUrl } = wayBack();
  const theme = document.documentElement.dataset['theme'] ?? 'auto';
  const setTheme = (value: string) => {
    prefer('theme', value);
    wear(value);
    onChange();
  };
  const setLanguage = (value: Language) => {
    prefer('language', value);
    void speak(value).then(onChange);
  };
  return (
    <div class="choices small">
      <label class="field">
        <span class="muted">{t('theme')}</span>
        <select value={theme} onChange={(event) => setTheme(event.currentTarget.value)}>
          <option value="auto">{t('theme.auto')}</option>
          <option value="light">{t('theme.light')}</option>
          <option value="dark">{t('theme.dark')}</option>
        </select>
      </label>
      <label class="field">
        <span class="muted">{t('language')}</span>
        <select value={spoken()} onChange={(event) => setLanguage(event.currentTarget.value as Language)}>
          {Object.entries(LANGUAGES).map(([code, name]) => (
            <option key={code} value={code} lang={code}>
              {name}
            </option>
          ))}
        </select>
      </label>
      {returnUrl && (
        <a class="row" href={returnUrl} target="_top">
          {t('return')}
        </a>
      )}
    </div>
  );
}

/** There is no session, or no longer: why, and where to get another. */
export function SessionEnded({ reason, returnUrl, refreshUrl }: Ended): JSX.Element {
  useEffect(() => {
    document.title = t(`ended.${reason}`);
  }, []);
  return (
    <main class="alone">
      <div class="card">
        <Icon name="clock" />
        <h1>{t(`ended.${reason}`)}</h1>
        <p class="muted">{t(`ended.${reason}.text`)}</p>
        <div class="row">
          {refreshUrl && (
            <a class="button main-action" href={refreshUrl} target="_top">
              {t('ended.refresh')}
            </a>
          )}
          {reason === 'unreachable' && (
            <Button look="main-action" onClick={() => location.assign(href(''))}>
              {t('retry')}
            </Button>
          )}
          {returnUrl && (
            <a class="button" href={returnUrl} target="_top">
              {t('return')}
            </a>
          )}
        </div>
      </div>
    </main>
  );
}
