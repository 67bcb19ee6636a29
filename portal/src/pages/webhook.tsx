import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import type { TestView, WebhookStats, WebhookView } from '../../../clients/typescript/src/models';
import { AttemptsChart, Bars, LatencyChart, slots } from '../charts';
import { useSession } from '../context';
import { useAction, useData } from '../data';
import { counted, milliseconds, number, percent, t } from '../i18n';
import { A, setQuery, usePlace } from '../router';
import type { Params } from '../shell';
import { failureName, webhookState, WebhookState } from '../states';
import { announce, Bones, Button, Failed, Notice, Page, Time } from '../ui';
import { WebhookTabs } from './webhook-tabs';

const REFRESH = 15_000;

/** One webhook: its state and what to do about it, and how it did in a day or a week. */
export function Webhook({ params: { id = '' } }: { params: Params }): JSX.Element {
  const { client, can } = useSession();
  const webhook = useData(id, (signal) => client.webhooks.get(id, { signal }), REFRESH);
  const stats = useData(`${id} stats`, (signal) => client.webhooks.getStats(id, { signal }), REFRESH);
  const [test, setTest] = useState<TestView>();
  const pause = useAction(async (active: boolean) => {
    webhook.set(await client.webhooks.update(id, { active }));
    announce(t(active ? 'webhook.resumed' : 'webhook.isPaused'));
  });
  const send = useAction(async () => {
    const result = await client.webhooks.test(id);
    setTest(result);
    announce(result.testResult.message);
  });
  const shown = webhook.data;
  if (!shown) return webhook.error ? <Failed error={webhook.error} retry={webhook.reload} /> : <Bones rows={8} />;
  const sends = !shown.type;
  return (
    <Page
      title={shown.name}
      about={shown.url ?? t(`type.${shown.type ?? 'webhook'}`)}
      above={[[t('nav.webhooks'), 'webhooks']]}
      actions={
        <>
          {can('webhooks') && (
            <Button onClick={() => pause.run(!shown.active)} busy={pause.busy}>
              {t(shown.active ? 'webhook.pause' : 'webhook.resume')}
            </Button>
          )}
          {can('send') && sends && shown.active && (
            <Button icon="send" look="main-action" onClick={send.run} busy={send.busy}>
              {t('webhook.test')}
            </Button>
          )}
        </>
      }
    >
      <WebhookTabs id={id} now="" />
      <Failed error={pause.error ?? send.error ?? webhook.error} />
      {test && <TestResult of={test} />}
      <State of={shown} stats={stats.data} />
      {stats.data ? <Figures of={stats.data} id={id} /> : stats.error ? <Failed error={stats.error} retry={stats.reload} /> : <Bones rows={8} />}
    </Page>
  );
}

function TestResult({ of: { testResult: result } }: { of: TestView }): JSX.Element {
  return (
    <Notice tone={result.passed ? 'good' : 'bad'} title={t(result.passed ? 'test.passed' : 'test.failed')}>
      <span>
        {result.message} · {milliseconds(result.responseTime)}
      </span>
      {result.nextStep && <span>{result.nextStep}</span>}
    </Notice>
  );
}

/** What its state means, and the next step. */
function State({ of, stats }: { of: WebhookView; stats: WebhookStats | undefined }): JSX.Element {
  const state = webhookState(of);
  const day = stats?.last24Hours;
  const [worst] = Object.entries(day?.failures ?? {}).sort(([, a], [, b]) => b - a);
  return (
    <div class="card">
      <div class="row between">
        <WebhookState of={of} />
        <span class="row small muted">
          {t('created')} <Time at={of.createdAt} />
        </span>
      </div>
      {state === 'disabled' && <p>{t(of.disabledReason === 'gone' ? 'webhook.gone' : 'webhook.failing')}</p>}
      {state === 'paused' && <p>{t('webhook.pausedText')}</p>}
      {state === 'active' && day && worst && day.failed > 0 && (
        <p>
          {counted('webhook.failures', day.failed, { kind: failureName(worst[0]) })}{' '}
          <A to={`webhooks/${of.id}/deliveries?failure=${worst[0]}`}>{t('webhook.see')}</A>
        </p>
      )}
      {state === 'active' && day && !day.failed && <p class="muted">{t(day.attempts ? 'webhook.fine' : 'webhook.quiet')}</p>}
      <div class="row">
        {of.events.map((event) => (
          <span class="tag" key={event}>
            {event === '*' ? t('events.every') : event}
          </span>
        ))}
        {of.filter && <span class="small muted">{t('webhook.filtered')}</span>}
        {of.rateLimit && <span class="small muted">{t('webhook.rate', { rate: of.rateLimit })}</span>}
      </div>
    </div>
  );
}

function Figures({ of: stats, id }: { of: WebhookStats; id: string }): JSX.Element {
  const { query } = usePlace();
  const week = query.get('range') === '7d';
  const window = week ? stats.last7Days : stats.last24Hours;
  const of = week ? slots(stats.hours, 168, 6) : slots(stats.hours, 24, 1);
  const count = ({ count, more }: { count: number; more: boolean }) => `${number(count)}${more ? '+' : ''}`;
  return (
    <>
      <div class="row between">
        <h2>{t('webhook.figures')}</h2>
        <div class="row" role="group" aria-label={t('range')}>
          {(['', '7d'] as const).map((range) => (
            <button key={range} type="button" aria-pressed={week === (range === '7d')} onClick={() => setQuery({ range })}>
              {t(range ? 'range.week' : 'range.day')}
            </button>
          ))}
        </div>
      </div>
      <div class="card">
        <dl class="facts figures">
          <Figure name={t('figure.attempts')} value={number(window.attempts)} />
          <Figure name={t('succeeded')} value={window.attempts ? percent(window.successRate) : '–'} />
          <Figure name="p50" value={window.durations ? milliseconds(window.durations.p50) : '–'} />
          <Figure name="p95" value={window.durations ? milliseconds(window.durations.p95) : '–'} />
          <Figure name={t('figure.pending')} value={count(stats.pending)} to={`webhooks/${id}/deliveries?state=pending`} />
          <Figure name={t('figure.retrying')} value={count(stats.retrying)} to={`webhooks/${id}/deliveries?state=retrying`} />
        </dl>
      </div>
      <div class="cols">
        <div class="card">
          <AttemptsChart of={of} />
        </div>
        <div class="card">
          <LatencyChart of={of} />
        </div>
      </div>
      {window.attempts > 0 && (
        <div class="cols">
          <div class="card">
            <h3>{t('figure.answers')}</h3>
            <Bars of={window.codeClasses} name={(key) => (key === 'none' ? t('outcome.none') : key)} />
          </div>
          <div class="card">
            <h3>{t('figure.failures')}</h3>
            {Object.keys(window.failures).length ? (
              <Bars
                of={window.failures}
                name={(key) => <A to={`webhooks/${id}/deliveries?failure=${key}`}>{failureName(key)}</A>}
              />
            ) : (
              <p class="muted">{t('figure.noFailures')}</p>
            )}
          </div>
        </div>
      )}
    </>
  );
}

function Figure({ name, value, to }: { name: string; value: string; to?: string }): JSX.Element {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{to && value !== '0' ? <A to={to}>{value}</A> : value}</dd>
    </div>
  );
}
