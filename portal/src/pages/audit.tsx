import type { JSX } from 'preact';
import type { AuditListInput } from '../../../clients/typescript/src/resources';
import { useSession } from '../context';
import { useList } from '../data';
import { label, t } from '../i18n';
import { setQuery, usePlace } from '../router';
import { Badge, Bones, Code, Empty, Failed, More, Page, pretty, type Tone, Time } from '../ui';

const OUTCOMES = ['succeeded', 'failed', 'unknown', 'none'] as const;
const TONES: Record<string, Tone> = { succeeded: 'good', failed: 'bad', unknown: 'warn' };
const KINDS = [
  'integration.connect', 'integration.confirm', 'integration.update', 'integration.test', 'integration.disconnect', 'integration.delete',
  'webhook.create', 'webhook.update', 'webhook.rotate_secret', 'webhook.test', 'webhook.resend', 'webhook.recover', 'webhook.cancel_recovery',
  'webhook.delete', 'token.create', 'token.revoke', 'portal.session.create', 'portal.session.end', 'portal.session.end_all', 'approval.approve', 'approval.deny', 'action.call',
];

/** Who changed what, newest first. Filters are in the query. */
export function Audit(): JSX.Element {
  const { client } = useSession();
  const { query } = usePlace();
  const now: Record<string, string> = {};
  for (const name of ['kind', 'outcome', 'subject']) if (query.get(name)) now[name] = query.get(name) ?? '';
  const list = useList(`audit ${JSON.stringify(now)}`, () => client.audit.list({ limit: 30, ...(now as AuditListInput) }), (one) => one.id);
  const choice = (name: string, text: string, options: readonly string[], said: (one: string) => string) => (
    <label>
      {text}
      <select value={now[name] ?? ''} onChange={(event) => setQuery({ [name]: event.currentTarget.value })}>
        <option value="">{t('all')}</option>
        {options.map((one) => (
          <option key={one} value={one}>
            {said(one)}
          </option>
        ))}
      </select>
    </label>
  );
  return (
    <Page title={t('nav.audit')} about={t('audit.about')}>
      <div class="filters" role="search">
        {choice('kind', t('audit.kind'), KINDS, (one) => one)}
        {choice('outcome', t('audit.outcome'), OUTCOMES, (one) => label('result', one))}
        <label>
          {t('audit.subject')}
          <input value={now['subject'] ?? ''} spellcheck={false} onInput={(event) => setQuery({ subject: event.currentTarget.value.trim() })} />
        </label>
      </div>
      <Failed error={list.error} retry={list.reload} />
      {!list.items && !list.error && <Bones rows={6} />}
      {list.items && (
        <div class="card flush">
          {list.items.length === 0 && <Empty icon="audit" title={t(Object.keys(now).length ? 'nothing' : 'audit.none')} />}
          {list.items.map((entry) => (
            <details class="attempt" key={entry.id}>
              <summary>
                <strong class="mono break">{entry.kind}</strong>
                <Badge tone={TONES[entry.outcome ?? ''] ?? ''}>{label('result', entry.outcome ?? 'none')}</Badge>
                <Time at={entry.startedAt} short />
                <span class="muted mono break">{entry.subject}</span>
              </summary>
              <div class="stack">
                <dl class="facts">
                  <div>
                    <dt>{t('audit.actor')}</dt>
                    <dd class="mono">{entry.actor}</dd>
                  </div>
                  {entry.client && (
                    <div>
                      <dt>{t('audit.client')}</dt>
                      <dd>
                        {entry.client.name} {entry.client.version}
                      </dd>
                    </div>
                  )}
                  {entry.errorCode && (
                    <div>
                      <dt>{t('failure')}</dt>
                      <dd class="mono">{entry.errorCode}</dd>
                    </div>
                  )}
                </dl>
                {entry.arguments !== undefined && <Code label={t('audit.arguments')} text={pretty(entry.arguments)} />}
              </div>
            </details>
          ))}
        </div>
      )}
      <More {...list} />
    </Page>
  );
}
