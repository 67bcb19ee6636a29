import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import type { CreatedToken } from '../../../clients/typescript/src/models';
import { API } from '../base';
import { useSession } from '../context';
import { useAction, useList } from '../data';
import { t, wait } from '../i18n';
import { announce, Badge, Bones, Button, Code, Copy, Empty, Failed, Field, More, Notice, Page, pretty, Time, wrong } from '../ui';

const LIVES = [3600, 86_400, 604_800, 2_592_000];
const URL_OF_MCP = `${API}/mcp`;

/** Tokens with which AI agents use the connected applications, and how each client is told. */
export function Agents(): JSX.Element {
  const { client } = useSession();
  const list = useList('tokens', () => client.tokens.list({ limit: 50 }), (one) => one.id);
  const [made, setMade] = useState<CreatedToken>();
  const shown = list.items?.filter((one) => one.valid);
  return (
    <Page title={t('nav.agents')} about={t('agents.about')}>
      {made && (
        <div class="card">
          <Notice tone="warn" title={t('agents.once')}>
            <div class="row">
              <code class="break">{made.token}</code>
              <Copy text={made.token} />
            </div>
          </Notice>
          <Clients token={made.token} />
        </div>
      )}
      <New made={(token) => (setMade(token), list.reload())} />
      <div class="stack">
        <h2>{t('agents.tokens')}</h2>
        <Failed error={list.error} retry={list.reload} />
        {!shown && !list.error && <Bones rows={3} />}
        {shown && (
          <div class="card flush">
            {shown.length === 0 && (
              <Empty icon="agents" title={t('agents.none')}>
                {t('agents.none.text')}
              </Empty>
            )}
            {shown.map((one) => (
              <Token key={one.id} id={one.id} name={one.name ?? one.id} readOnly={one.readOnly} revoked={list.reload} {...(one.expiresAt && { ends: one.expiresAt })} />
            ))}
          </div>
        )}
        <More {...list} />
      </div>
    </Page>
  );
}

function New({ made }: { made: (token: CreatedToken) => void }): JSX.Element {
  const { client, can } = useSession();
  const [name, setName] = useState('');
  const [readOnly, setReadOnly] = useState(true);
  const [life, setLife] = useState(604_800);
  const create = useAction(async () => {
    const scopes = ['integrations:read', 'mcp:tools', ...(can('act') ? ['actions:execute'] : [])];
    made(await client.tokens.create({ name, scopes, readOnly, expiresIn: life }));
    setName('');
    announce(t('agents.once'));
  });
  return (
    <form class="card narrow" onSubmit={(event) => (event.preventDefault(), create.run())}>
      <h2>{t('agents.new')}</h2>
      <Field label={t('name')} hint={t('agents.nameHint')} wrong={wrong(create.error, 'name')}>
        {(given) => <input {...given} required maxLength={100} value={name} onInput={(event) => setName(event.currentTarget.value)} />}
      </Field>
      <label class="check">
        <input type="checkbox" checked={readOnly} onChange={() => setReadOnly(!readOnly)} />
        {t('agents.readOnly')}
      </label>
      <Field label={t('agents.life')} wrong={wrong(create.error, 'expiresIn')}>
        {(given) => (
          <select {...given} value={life} onChange={(event) => setLife(Number(event.currentTarget.value))}>
            {LIVES.map((seconds) => (
              <option key={seconds} value={seconds}>
                {wait(seconds)}
              </option>
            ))}
          </select>
        )}
      </Field>
      <Failed error={create.error} />
      <div class="row">
        <Button type="submit" look="main-action" busy={create.busy}>
          {t('create')}
        </Button>
      </div>
    </form>
  );
}

/** What to tell each client. The token is in it, so it is shown with the token alone. */
function Clients({ token }: { token: string }): JSX.Element {
  const headers = { Authorization: `Bearer ${token}` };
  const snippets = {
    'Claude Code': `claude mcp add --transport http integrations ${URL_OF_MCP} --header "Authorization: Bearer ${token}"`,
    Cursor: pretty({ mcpServers: { integrations: { url: URL_OF_MCP, headers } } }),
    'VS Code': pretty({ servers: { integrations: { type: 'http', url: URL_OF_MCP, headers } } }),
  };
  const [chosen, choose] = useState<keyof typeof snippets>('Claude Code');
  return (
    <>
      <div class="row" role="group" aria-label={t('agents.client')}>
        {(Object.keys(snippets) as (keyof typeof snippets)[]).map((one) => (
          <button key={one} type="button" aria-pressed={one === chosen} onClick={() => choose(one)}>
            {one}
          </button>
        ))}
      </div>
      <Code label={chosen} text={snippets[chosen]} />
    </>
  );
}

function Token({ id, name, readOnly, ends, revoked }: { id: string; name: string; readOnly: boolean; ends?: string; revoked: () => void }) {
  const { client } = useSession();
  const revoke = useAction(async () => {
    await client.tokens.revoke(id);
    announce(t('agents.revoked'));
    revoked();
  });
  return (
    <div class="row between" style={{ padding: '12px 16px', borderBlockEnd: '1px solid var(--line)' }}>
      <span class="stack tight grow">
        <strong class="break">{name}</strong>
        <span class="small muted row">
          {ends && (
            <>
              {t('agents.until')} <Time at={ends} />
            </>
          )}
        </span>
      </span>
      {readOnly && <Badge tone="good">{t('effect.read')}</Badge>}
      <Button look="danger" busy={revoke.busy} onClick={revoke.run}>
        {t('agents.revoke')}
      </Button>
      <Failed error={revoke.error} />
    </div>
  );
}
