import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import type { DeliveryView } from '../../../clients/typescript/src/models';
import type { WebhooksListDeliveriesInput } from '../../../clients/typescript/src/resources';
import { useSession } from '../context';
import { useData, useList } from '../data';
import { counted, number, t } from '../i18n';
import { A, setQuery, usePlace } from '../router';
import type { Params } from '../shell';
import { DeliveryState, failureName, outcome } from '../states';
import { announce, Bones, Button, Empty, Failed, More, Page, sentence, Time } from '../ui';
import { WebhookTabs } from './webhook-tabs';

const REFRESH = 5_000;
const AT_ONCE = 4;
const FILTERS = ['state', 'event', 'codeClass', 'failure', 'fromDate', 'toDate'] as const;
const STATES = ['pending', 'retrying', 'delivered', 'exhausted', 'discarded'] as const;
const CODES = ['2xx', '3xx', '4xx', '5xx', 'none'] as const;
/** The kinds of failure that a filter takes (docs/api-contract.md, Deliveries). */
const FAILURES = [
  'dns', 'connect', 'tls', 'timeout_connect', 'timeout_tls', 'timeout_headers', 'reset', 'protocol', 'http_3xx', 'http_4xx', 'http_5xx',
  'headers_too_large', 'blocked_address', 'blocked_port', 'plain_http', 'malformed_url', 'worker_died', 'reported',
];

/** The deliveries of a webhook, newest first, updated while one looks. Filters are in the query. */
export function Deliveries({ params: { id = '' } }: { params: Params }): JSX.Element {
  const { client, can } = useSession();
  const { query } = usePlace();
  const filters: Record<string, string> = {};
  for (const name of FILTERS) if (query.get(name)) filters[name] = query.get(name) ?? '';
  const live = query.get('live') !== '0';
  const webhook = useData(id, (signal) => client.webhooks.get(id, { signal }));
  const list = useList(
    `${id} ${JSON.stringify(filters)}`,
    () => client.webhooks.listDeliveries(id, { limit: 50, ...(filters as WebhooksListDeliveriesInput) }),
    (one) => one.id,
    live ? REFRESH : 0,
  );
  const [chosen, choose] = useState<ReadonlySet<string>>(new Set());
  const resends = can('send') && webhook.data?.active === true;
  const all = list.items !== undefined && list.items.length > 0 && list.items.every((one) => chosen.has(one.id));

  if (webhook.error && !webhook.data) return <Failed error={webhook.error} retry={webhook.reload} />;
  return (
    <Page
      title={t('tab.deliveries')}
      above={[
        [t('nav.webhooks'), 'webhooks'],
        [webhook.data?.name ?? id, `webhooks/${id}`],
      ]}
      actions={
        <>
          <label class="live" data-on={live}>
            <input type="checkbox" checked={live} onChange={() => setQuery({ live: live ? '0' : '' })} />
            {t('live')}
          </label>
          <Button onClick={list.reload}>{t('refresh')}</Button>
        </>
      }
    >
      <WebhookTabs id={id} now="deliveries" />
      <Filters now={filters} />
      <Failed error={list.error} retry={list.reload} />
      {!list.items && !list.error && <Bones rows={8} />}
      {list.items && (
        <div class="card flush">
          {list.items.length === 0 ? (
            <Empty icon={Object.keys(filters).length ? 'search' : 'send'} title={t(Object.keys(filters).length ? 'nothing' : 'deliveries.none')}>
              {t(Object.keys(filters).length ? 'deliveries.noMatch' : 'deliveries.none.text')}
            </Empty>
          ) : (
            <div class="table">
              <table class="cards">
                <caption class="hidden">{t('tab.deliveries')}</caption>
                <thead>
                  <tr>
                    {resends && (
                      <th class="tick">
                        <input
                          type="checkbox"
                          aria-label={t('selectAll')}
                          checked={all}
                          onChange={() => choose(all ? new Set() : new Set(list.items?.map((one) => one.id)))}
                        />
                      </th>
                    )}
                    <th scope="col">{t('event')}</th>
                    <th scope="col">{t('state')}</th>
                    <th scope="col">{t('published')}</th>
                    <th scope="col">{t('lastAnswer')}</th>
                    <th scope="col" class="num">{t('attempts')}</th>
                    <th scope="col">{t('nextAttempt')}</th>
                  </tr>
                </thead>
                <tbody>
                  {list.items.map((one) => (
                    <Row
                      key={one.id}
                      webhook={id}
                      of={one}
                      chosen={chosen.has(one.id)}
                      {...(resends && { toggle: () => choose(toggled(chosen, one.id)) })}
                    />
                  ))}
                </tbody>
              </table>
            </div>
          )}
        </div>
      )}
      <More {...list} />
      {chosen.size > 0 && <Resend webhook={id} ids={[...chosen]} done={list.put} clear={() => choose(new Set())} />}
    </Page>
  );
}

function toggled(chosen: ReadonlySet<string>, id: string): Set<string> {
  const changed = new Set(chosen);
  if (!changed.delete(id)) changed.add(id);
  return changed;
}

function Row({ webhook, of, chosen, toggle }: { webhook: string; of: DeliveryView; chosen: boolean; toggle?: () => void }) {
  const last = of.attempts.at(-1);
  return (
    <tr>
      {toggle && (
        <td class="tick" data-label={t('select')}>
          <input type="checkbox" checked={chosen} onChange={toggle} aria-label={`${t('select')} ${of.event} ${of.id}`} />
        </td>
      )}
      <td class="whole">
        <A to={`webhooks/${webhook}/deliveries/${of.id}`} class="strong mono break">
          {of.event}
        </A>
      </td>
      <td data-label={t('state')}>
        <DeliveryState state={of.state} />
      </td>
      <td data-label={t('published')}>
        <Time at={of.createdAt} short />
      </td>
      <td data-label={t('lastAnswer')}>
        <span>{outcome(last)}</span>
      </td>
      <td data-label={t('attempts')} class="num">
        <span>{number(of.attempts.length)}</span>
      </td>
      <td data-label={t('nextAttempt')}>{of.nextAttemptAt ? <Time at={of.nextAttemptAt} short /> : <span>–</span>}</td>
    </tr>
  );
}

function Filters({ now }: { now: Record<string, string> }): JSX.Element {
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
  const time = (name: string, text: string) => (
    <label>
      {text}
      <input type="datetime-local" value={forInput(now[name])} onChange={(event) => setQuery({ [name]: fromInput(event.currentTarget.value) })} />
    </label>
  );
  return (
    <div class="filters" role="search">
      {choice('state', t('state'), STATES, (one) => t(`state.${one as 'pending'}`))}
      {choice('codeClass', t('answer'), CODES, (one) => (one === 'none' ? t('outcome.none') : one))}
      {choice('failure', t('failure'), FAILURES, failureName)}
      <label>
        {t('event')}
        <input value={now['event'] ?? ''} onChange={(event) => setQuery({ event: event.currentTarget.value.trim() })} spellcheck={false} />
      </label>
      {time('fromDate', t('from'))}
      {time('toDate', t('until'))}
      {Object.keys(now).length > 0 && (
        <Button look="quiet" onClick={() => setQuery(Object.fromEntries(FILTERS.map((name) => [name, ''])))}>
          {t('clearFilters')}
        </Button>
      )}
    </div>
  );
}

/** A time of the query, which is in UTC, as the control shows it: where the reader is. */
function forInput(iso: string | undefined): string {
  const at = Date.parse(iso ?? '');
  if (Number.isNaN(at)) return '';
  return new Date(at - new Date(at).getTimezoneOffset() * 60_000).toISOString().slice(0, 16);
}

function fromInput(value: string): string {
  return value && new Date(value).toISOString();
}

/** Sends chosen deliveries again, a few at a time, and says how it went. */
function Resend({ webhook, ids, done, clear }: { webhook: string; ids: string[]; done: (changed: DeliveryView[]) => void; clear: () => void }) {
  const { client } = useSession();
  const [state, set] = useState<{ sent: number; failed: string[]; busy: boolean; of: number }>();
  const run = async () => {
    const waiting = [...ids];
    const result = { sent: 0, failed: [] as string[], busy: true, of: ids.length };
    set({ ...result });
    const work = async () => {
      for (let next = waiting.shift(); next; next = waiting.shift()) {
        try {
          done([await client.webhooks.resendDelivery(webhook, next)]);
          result.sent += 1;
        } catch (error) {
          result.failed = [...new Set([...result.failed, sentence(error)])];
        }
        set({ ...result });
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, work));
    set({ ...result, busy: false });
    announce(counted('resent', result.sent));
  };
  const finished = state && !state.busy;
  return (
    <div class="card sticky" role="region" aria-label={t('resend')}>
      <div class="row between">
        <strong>{finished ? counted('resent', state.sent) : counted('selected', ids.length)}</strong>
        <div class="row">
          <Button onClick={clear}>{t(finished ? 'done' : 'cancel')}</Button>
          {!finished && (
            <Button look="main-action" icon="send" busy={state?.busy === true} onClick={() => void run()}>
              {t('resend')}
            </Button>
          )}
        </div>
      </div>
      {state?.busy && <progress max={state.of} value={state.sent + state.failed.length} aria-label={t('resend')} />}
      {state?.failed.map((message) => (
        <p class="small" key={message}>
          {message}
        </p>
      ))}
    </div>
  );
}
