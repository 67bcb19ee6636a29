import type { JSX } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import type { AvailableIntegration, ConnectField, ConnectOption, ConnectView } from '../../../clients/typescript/src/models';
import type { IntegrationsConnectInput } from '../../../clients/typescript/src/resources';
import { PORTAL } from '../base';
import { useSession } from '../context';
import { useAction, useData } from '../data';
import { label, t } from '../i18n';
import { go, usePlace } from '../router';
import type { Params } from '../shell';
import { announce, Bones, Button, Empty, Failed, Field, Notice, Page, pretty, wrong } from '../ui';

// What the page itself says, or what needs the application's own server.
const OURS = ['redirectUrl', 'confirm', 'authType'];
/** Fields that are no text: they are entered as JSON, begun with what they look like. */
const AS_JSON: Record<string, unknown> = {
  headers: {},
  configuration: {},
  approval: { destructive: true },
  actions: [{ name: 'send_message', effect: 'write', parameters: { type: 'object', properties: {} } }],
  tags: [],
  webhookAuth: {},
};
const WATCH = 3_000;

/** Connect an application, or connect an integration again: a form of what it needs, or an authorization. */
export function Connect({ params: { app = '' } }: { params: Params }): JSX.Element {
  const { client } = useSession();
  const { query } = usePlace();
  const found = useData(app, async (signal) => {
    const again = app.startsWith('int_') ? await client.integrations.get(app, { signal }) : undefined;
    const words = again ? { type: again.type } : { query: app.slice(app.indexOf('_') + 1).replaceAll('_', ' ') };
    const list = client.integrations.searchAvailable({ ...words, limit: 100 }, { signal });
    for await (const page of list.pages()) {
      const fits = page.items.find((one) => (again ? one.type === again.type : one.id === app));
      if (fits) return { ...fits, name: again?.name ?? fits.name, description: again?.description ?? fits.description };
      break;
    }
    return undefined;
  });
  const [option, choose] = useState(0);
  const back = query.get('integrationId');
  // An authorization leads back here (docs/api-contract.md, OAuth).
  useEffect(() => {
    if (back && !query.get('error')) go(`integrations/${back}`, true);
  }, []);

  if (found.loading) return <Bones rows={6} />;
  if (found.error) return <Failed error={found.error} retry={found.reload} />;
  const shown = found.data;
  if (!shown) return <div class="card"><Empty icon="search" title={t('missing.title')}>{t('missing.text')}</Empty></div>;
  const failure = query.get('error');
  const way = shown.connect[option];
  return (
    <Page title={t('connect.to', { name: shown.name })} about={shown.description} above={[[t('nav.integrations'), 'integrations']]}>
      {failure && <Notice tone="bad" title={t('connect.failed')}><code>{failure}</code></Notice>}
      {shown.connect.length > 1 && (
        <div class="row" role="group" aria-label={t('connect.way')}>
          {shown.connect.map((one, index) => (
            <button key={one.schema + one.authType} type="button" aria-pressed={index === option} onClick={() => choose(index)}>
              {label('auth', one.authType ?? one.schema)}
            </button>
          ))}
        </div>
      )}
      {way && <Form key={option} app={app} of={shown} way={way} />}
    </Page>
  );
}

function Form({ app, of, way }: { app: string; of: AvailableIntegration; way: ConnectOption }): JSX.Element {
  const { client } = useSession();
  const [values, set] = useState<Record<string, string>>({});
  const [pending, setPending] = useState<ConnectView>();
  const fields = way.fields.filter(({ name }) => !OURS.includes(name));
  const [first, rest] = [fields.filter((one) => one.required), fields.filter((one) => !one.required)];
  const connect = useAction(async () => {
    const body: Record<string, unknown> = way.authType ? { authType: way.authType } : {};
    for (const { name } of fields) if (values[name]?.trim()) body[name] = name in AS_JSON ? asJson(values[name]) : values[name];
    if (way.authType === 'oauth') body['redirectUrl'] = `${PORTAL}/integrations/connect/${app}`;
    const made = await client.integrations.connect(app, body as IntegrationsConnectInput);
    announce(made.message);
    if (!made.authUrl) go(`integrations/${made.id}`);
    else if (window.top === window) location.assign(made.authUrl);
    else setPending(made); // An authorization server does not let itself be framed.
  });
  if (pending) return <Waiting of={pending} />;
  const field = (one: ConnectField) => (
    <Input key={one.name} of={one} value={values[one.name] ?? ''} wrong={wrong(connect.error, one.name)} onInput={(text) => set({ ...values, [one.name]: text })} />
  );
  return (
    <form class="card narrow" onSubmit={(event) => (event.preventDefault(), connect.run())}>
      {way.authType === 'oauth' && <p class="muted">{t('connect.oauth', { name: of.name })}</p>}
      {first.map(field)}
      {rest.length > 0 && (
        <details>
          <summary>{t('connect.more')}</summary>
          <div class="stack" style={{ marginBlockStart: '10px' }}>{rest.map(field)}</div>
        </details>
      )}
      <Failed error={connect.error} />
      <div class="row">
        <Button type="submit" look="main-action" busy={connect.busy}>
          {t(way.authType === 'oauth' ? 'connect.authorize' : 'connect')}
        </Button>
      </div>
    </form>
  );
}

function Input({ of, value, wrong, onInput }: { of: ConnectField; value: string; wrong: string | undefined; onInput: (text: string) => void }) {
  const shared = { required: of.required, value, spellcheck: false };
  return (
    <Field label={label('field', of.name)} hint={of.description} wrong={wrong}>
      {(given) =>
        of.name in AS_JSON ? (
          <textarea {...given} {...shared} rows={4} placeholder={pretty(AS_JSON[of.name])} onInput={(event) => onInput(event.currentTarget.value)} />
        ) : (
          <input
            {...given}
            {...shared}
            type={of.secret ? 'password' : /url$/i.test(of.name) ? 'url' : 'text'}
            autocomplete="off"
            onInput={(event) => onInput(event.currentTarget.value)}
          />
        )
      }
    </Field>
  );
}

/** The JSON that was entered; as text where it is none, for the API to say what is wrong. */
function asJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

/** In a frame: the authorization is in another window, and its end is seen at the integration. */
function Waiting({ of }: { of: ConnectView }): JSX.Element {
  const { client } = useSession();
  const { data } = useData(of.id, (signal) => client.integrations.get(of.id, { signal }), WATCH);
  useEffect(() => {
    if (data && data.status !== 'pending') go(`integrations/${of.id}`);
  }, [data?.status]);
  return (
    <div class="card narrow">
      <p>{t('connect.window')}</p>
      <div class="row">
        <a class="button main-action" href={of.authUrl} target="_blank" rel="opener">
          {t('connect.authorize')}
        </a>
      </div>
    </div>
  );
}
