import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import type { RecoveryView } from '../../../clients/typescript/src/models';
import { useSession } from '../context';
import { useAction, useData, useList } from '../data';
import { counted, label, localTime, number, t } from '../i18n';
import { setQuery, usePlace } from '../router';
import type { Params } from '../shell';
import { announce, Badge, Bones, Button, Failed, Field, Notice, Page, type Tone, Time } from '../ui';
import { WebhookTabs } from './webhook-tabs';

const RANGES = { '1h': 3600, '24h': 86_400, '7d': 604_800 } as const;
const WATCH = 2_000;
const TONES: Record<RecoveryView['status'], Tone> = { running: 'info', done: 'good', cancelled: '', failed: 'bad' };

/** Send again what failed or was missed: choose a range, count, run, and watch. The job is in the query. */
export function Recover({ params: { id = '' } }: { params: Params }): JSX.Element {
  const { client } = useSession();
  const { query } = usePlace();
  const job = query.get('job') ?? '';
  const webhook = useData(id, (signal) => client.webhooks.get(id, { signal }));
  if (!webhook.data) return webhook.error ? <Failed error={webhook.error} retry={webhook.reload} /> : <Bones rows={6} />;
  return (
    <Page
      title={t('tab.recover')}
      about={t('recover.about')}
      above={[
        [t('nav.webhooks'), 'webhooks'],
        [webhook.data.name, `webhooks/${id}`],
      ]}
    >
      <WebhookTabs id={id} now="recover" />
      {!webhook.data.active && <Notice tone="warn">{t('recover.inactive')}</Notice>}
      {job && <Job key={job} webhook={id} id={job} />}
      <Ask webhook={id} active={webhook.data.active} />
      <Earlier key={`jobs ${job}`} webhook={id} />
    </Page>
  );
}

function Ask({ webhook, active }: { webhook: string; active: boolean }): JSX.Element {
  const { client } = useSession();
  const [range, setRange] = useState<keyof typeof RANGES>('24h');
  const [failed, setFailed] = useState(true);
  const [missing, setMissing] = useState(true);
  const [counts, setCounts] = useState<RecoveryView>();
  const states = [...(failed ? ['failed' as const] : []), ...(missing ? ['missing' as const] : [])];
  const changed = <T,>(set: (value: T) => void) => (value: T) => (set(value), setCounts(undefined));

  const count = useAction(async () => {
    const since = new Date(Date.now() - RANGES[range] * 1000).toISOString();
    let found = await client.webhooks.recover(webhook, { since, states, dryRun: true });
    while (found.status === 'running') {
      await new Promise((done) => setTimeout(done, WATCH));
      found = await client.webhooks.getRecovery(webhook, found.id);
    }
    setCounts(found);
    announce(counted('recover.found', found.matched));
  });
  // What is sent is what was counted: the same range, to the second.
  const run = useAction(async () => {
    if (!counts) return;
    const { since, until } = counts.query;
    const started = await client.webhooks.recover(webhook, { since, until, states });
    setCounts(undefined);
    setQuery({ job: started.id });
  });
  return (
    <div class="card">
      <h2>{t('recover.range')}</h2>
      <div class="row" role="group" aria-label={t('recover.range')}>
        {(Object.keys(RANGES) as (keyof typeof RANGES)[]).map((one) => (
          <button key={one} type="button" aria-pressed={one === range} onClick={() => changed(setRange)(one)}>
            {t(`recover.${one}`)}
          </button>
        ))}
      </div>
      <fieldset class="stack tight">
        <legend>{t('recover.which')}</legend>
        <label class="check">
          <input type="checkbox" checked={failed} onChange={() => changed(setFailed)(!failed)} />
          {t('recover.failed')}
        </label>
        <label class="check">
          <input type="checkbox" checked={missing} onChange={() => changed(setMissing)(!missing)} />
          {t('recover.missing')}
        </label>
      </fieldset>
      {counts && (
        <Notice tone={counts.matched ? 'info' : 'good'} title={counted('recover.found', counts.matched)}>
          <span>{t(counts.matched ? 'recover.ready' : 'recover.nothing', { from: localTime(counts.query.since) })}</span>
        </Notice>
      )}
      <Failed error={count.error ?? run.error} />
      <div class="row">
        <Button onClick={count.run} busy={count.busy} disabled={!states.length} {...(!counts?.matched && { look: 'main-action' as const })}>
          {t('recover.count')}
        </Button>
        {counts && counts.matched > 0 && (
          <Button look="main-action" icon="send" onClick={run.run} busy={run.busy} disabled={!active}>
            {counted('recover.send', counts.matched)}
          </Button>
        )}
      </div>
    </div>
  );
}

function Job({ webhook, id }: { webhook: string; id: string }): JSX.Element {
  const { client } = useSession();
  const [ended, setEnded] = useState(false);
  const read = useData(
    id,
    async (signal) => {
      const found = await client.webhooks.getRecovery(webhook, id, { signal });
      if (found.status !== 'running') setEnded(true);
      return found;
    },
    ended ? 0 : WATCH,
  );
  const cancel = useAction(async () => read.set(await client.webhooks.cancelRecovery(webhook, id)));
  const job = read.data;
  if (!job) return read.error ? <Failed error={read.error} retry={read.reload} /> : <Bones rows={3} />;
  return (
    <div class="card" aria-live="polite">
      <div class="row between">
        <h2>{t('recover.job')}</h2>
        <Badge tone={TONES[job.status]}>{label('job', job.status)}</Badge>
      </div>
      <Field label={t('recover.progress', { sent: job.sent, matched: job.matched })}>
        {(given) => <progress {...given} max={100} value={job.status === 'done' ? 100 : job.progress} />}
      </Field>
      {job.reason && <p class="muted">{label('reason', job.reason)}</p>}
      <Failed error={cancel.error} />
      {job.status === 'running' && (
        <div class="row">
          <Button onClick={cancel.run} busy={cancel.busy}>
            {t('recover.cancel')}
          </Button>
        </div>
      )}
    </div>
  );
}

function Earlier({ webhook }: { webhook: string }): JSX.Element | null {
  const { client } = useSession();
  const list = useList(`jobs of ${webhook}`, () => client.webhooks.listRecoveries(webhook, { limit: 10 }), (one) => one.id);
  const runs = list.items?.filter((one) => !one.query.dryRun) ?? [];
  if (!runs.length) return null;
  return (
    <div class="stack">
      <h2>{t('recover.earlier')}</h2>
      <div class="card flush">
        <div class="table">
          <table class="cards">
            <caption class="hidden">{t('recover.earlier')}</caption>
            <thead>
              <tr>
                <th scope="col">{t('created')}</th>
                <th scope="col">{t('state')}</th>
                <th scope="col">{t('from')}</th>
                <th scope="col" class="num">{t('recover.sent')}</th>
              </tr>
            </thead>
            <tbody>
              {runs.map((job) => (
                <tr key={job.id}>
                  <td data-label={t('created')}>
                    <button type="button" class="quiet" onClick={() => setQuery({ job: job.id })}>
                      <Time at={job.createdAt} short />
                    </button>
                  </td>
                  <td data-label={t('state')}>
                    <Badge tone={TONES[job.status]}>{label('job', job.status)}</Badge>
                  </td>
                  <td data-label={t('from')}>
                    <Time at={job.query.since} short />
                  </td>
                  <td class="num" data-label={t('recover.sent')}>
                    <span>{number(job.sent)}</span>
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      </div>
    </div>
  );
}
