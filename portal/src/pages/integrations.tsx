import type { JSX } from 'preact';
import { useSession } from '../context';
import { useList } from '../data';
import { label, t } from '../i18n';
import { A, setQuery, usePlace } from '../router';
import { Badge, Bones, Empty, Failed, More, Page, Tile, type Tone } from '../ui';

const TONES: Record<string, Tone> = { connected: 'good', pending: 'info', error: 'bad', disconnected: '' };

export function Status({ status }: { status: string }): JSX.Element {
  return <Badge tone={TONES[status] ?? ''}>{label('status', status)}</Badge>;
}

/** What is connected, and the catalogue of what can be. */
export function Integrations(): JSX.Element {
  const { client, can, restricted } = useSession();
  const connected = useList('integrations', () => client.integrations.list({ limit: 100 }), (one) => one.id);
  // Webhooks have pages of their own.
  const shown = connected.items?.filter((one) => one.type !== 'webhook');
  return (
    <Page title={t('nav.integrations')} about={t('integrations.about')}>
      <div class="stack">
        <h2>{t('integrations.yours')}</h2>
        <Failed error={connected.error} retry={connected.reload} />
        {!shown && !connected.error && <Bones rows={3} />}
        {shown && (
          <div class="card flush">
            {shown.length === 0 ? (
              <Empty icon="integrations" title={t('integrations.none')}>
                {t('integrations.none.text')}
              </Empty>
            ) : (
              <div class="table">
                <table class="cards">
                  <caption class="hidden">{t('integrations.yours')}</caption>
                  <thead>
                    <tr>
                      <th scope="col">{t('name')}</th>
                      <th scope="col">{t('state')}</th>
                      <th scope="col">{t('integrations.type')}</th>
                    </tr>
                  </thead>
                  <tbody>
                    {shown.map((one) => (
                      <tr key={one.id}>
                        <td class="whole">
                          <div class="row" style={{ flexWrap: 'nowrap' }}>
                            <Tile name={one.name} />
                            <div class="grow">
                              <A to={`integrations/${one.id}`} class="strong break">
                                {one.name}
                              </A>
                              <div class="small muted cut">{one.description}</div>
                            </div>
                          </div>
                        </td>
                        <td data-label={t('state')}>
                          <Status status={one.status} />
                        </td>
                        <td data-label={t('integrations.type')}>
                          <span class="muted">{one.type}</span>
                        </td>
                      </tr>
                    ))}
                  </tbody>
                </table>
              </div>
            )}
          </div>
        )}
        <More {...connected} />
      </div>
      {can('connect') && !restricted && <Catalogue />}
    </Page>
  );
}

function Catalogue(): JSX.Element {
  const { client } = useSession();
  const { query } = usePlace();
  const search = query.get('q') ?? '';
  const found = useList(
    `catalogue ${search}`,
    () => client.integrations.searchAvailable({ limit: 24, ...(search && { query: search }) }),
    (one) => one.id,
  );
  return (
    <div class="stack">
      <h2>{t('integrations.catalogue')}</h2>
      <div class="filters">
        <label>
          {t('search')}
          <input type="search" value={search} onInput={(event) => setQuery({ q: event.currentTarget.value })} />
        </label>
      </div>
      <Failed error={found.error} retry={found.reload} />
      {!found.items && !found.error && <Bones rows={6} />}
      <ul class="cols">
        {found.items
          ?.filter((one) => one.type !== 'webhook')
          .map((one) => (
            <li key={one.id} class="card">
              <div class="row" style={{ flexWrap: 'nowrap' }}>
                <Tile name={one.name} />
                <div class="grow">
                  <strong>{one.name}</strong>
                  <div class="small muted">{one.category}</div>
                </div>
                <A to={`integrations/connect/${one.id}`} class="button" aria-label={t('connect.to', { name: one.name })}>
                  {t('connect')}
                </A>
              </div>
              <p class="small muted">{one.description}</p>
            </li>
          ))}
      </ul>
      {found.items?.length === 0 && <Empty icon="search" title={t('nothing')} />}
      <More {...found} />
    </div>
  );
}
