import type { JSX } from 'preact';
import type { WebhookView } from '../../../clients/typescript/src/models';
import { Spark, slots } from '../charts';
import { useSession } from '../context';
import { useData, useList } from '../data';
import { number, percent, t } from '../i18n';
import { A, setQuery, usePlace } from '../router';
import { webhookState, WebhookState } from '../states';
import { Bones, Empty, Failed, More, Page, Tile } from '../ui';

/** Every webhook with its state and its last day. Search and filter are in the query. */
export function Webhooks(): JSX.Element {
  const { client, can, restricted } = useSession();
  const { query } = usePlace();
  const list = useList('webhooks', () => client.webhooks.list({ limit: 100 }), (one) => one.id);
  const [search, state] = [query.get('q') ?? '', query.get('state') ?? ''];
  const shown = list.items?.filter((one) => found(one, search.toLowerCase()) && (!state || webhookState(one) === state));
  const create = can('webhooks') && !restricted && (
    <A to="webhooks/new" class="button main-action">
      {t('webhooks.new')}
    </A>
  );
  return (
    <Page title={t('nav.webhooks')} about={t('webhooks.about')} actions={list.items?.length ? create : null}>
      <Failed error={list.error} retry={list.reload} />
      {!list.items && !list.error && <Bones rows={5} />}
      {list.items?.length === 0 && (
        <div class="card">
          <Empty icon="webhooks" title={t('webhooks.none')} action={create}>
            {t('webhooks.none.text')}
          </Empty>
        </div>
      )}
      {list.items && list.items.length > 0 && (
        <>
          <div class="filters">
            <label>
              {t('search')}
              <input type="search" value={search} onInput={(event) => setQuery({ q: event.currentTarget.value })} />
            </label>
            <label>
              {t('state')}
              <select value={state} onChange={(event) => setQuery({ state: event.currentTarget.value })}>
                <option value="">{t('all')}</option>
                <option value="active">{t('webhook.active')}</option>
                <option value="paused">{t('webhook.paused')}</option>
                <option value="disabled">{t('webhook.disabled')}</option>
              </select>
            </label>
          </div>
          <div class="card flush">
            <div class="table">
              <table class="cards">
                <caption class="hidden">{t('nav.webhooks')}</caption>
                <thead>
                  <tr>
                    <th scope="col">{t('name')}</th>
                    <th scope="col">{t('state')}</th>
                    <th scope="col">{t('webhooks.day')}</th>
                    <th scope="col" class="num">{t('succeeded')}</th>
                    <th scope="col" class="num">{t('waiting')}</th>
                  </tr>
                </thead>
                <tbody>
                  {shown?.map((webhook) => (
                    <Row key={webhook.id} webhook={webhook} />
                  ))}
                </tbody>
              </table>
            </div>
            {shown?.length === 0 && <Empty icon="search" title={t('nothing')} />}
          </div>
          <More {...list} />
        </>
      )}
    </Page>
  );
}

function found({ name, url = '', events, id }: WebhookView, search: string): boolean {
  return [name, url, id, ...events].some((text) => text.toLowerCase().includes(search));
}

function Row({ webhook }: { webhook: WebhookView }): JSX.Element {
  const { client } = useSession();
  const { data } = useData(webhook.id, (signal) => client.webhooks.getStats(webhook.id, { signal }));
  const day = data?.last24Hours;
  const waiting = data && data.pending.count + data.retrying.count;
  const more = data && (data.pending.more || data.retrying.more);
  return (
    <tr>
      <td class="whole">
        <div class="row" style={{ flexWrap: 'nowrap' }}>
          <Tile name={webhook.name} />
          <div class="grow">
            <A to={`webhooks/${webhook.id}`} class="strong break">
              {webhook.name}
            </A>
            <div class="small muted cut" title={webhook.url}>
              {webhook.url ?? t(`type.${webhook.type ?? 'webhook'}`)}
            </div>
          </div>
        </div>
      </td>
      <td data-label={t('state')}>
        <WebhookState of={webhook} />
      </td>
      <td data-label={t('webhooks.day')}>
        <Spark of={slots(data?.hours ?? [], 24, 1)} />
      </td>
      <td data-label={t('succeeded')} class="num">
        <span>{day?.attempts ? percent(day.successRate) : '–'}</span>
      </td>
      <td data-label={t('waiting')} class="num">
        <span>{waiting === undefined ? '–' : `${number(waiting)}${more ? '+' : ''}`}</span>
      </td>
    </tr>
  );
}
