import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import type { EventTaken, EventTypeView, EventView } from '../../../clients/typescript/src/models';
import { useSession } from '../context';
import { useAction, useData, useList } from '../data';
import { counted, label, number, t } from '../i18n';
import { example, type Schema } from '../json-schema';
import { A, setQuery, usePlace } from '../router';
import { DeliveryState } from '../states';
import { announce, Badge, Bones, Button, Code, Dialog, Empty, Failed, Field, More, Notice, Page, pretty, Time, wrong } from '../ui';

/** What can happen and what did: the catalogue of event types, and the events that were published. */
export function Events(): JSX.Element {
  const { client } = useSession();
  const { query } = usePlace();
  const chosen = query.get('event') ?? '';
  const types = useList('types', () => client.events.listTypes({ limit: 100 }), (one) => one.name);
  const events = useList(
    `events ${chosen}`,
    () => client.events.list({ limit: 25, ...(chosen && { event: chosen }) }),
    (one) => one.id,
    10_000,
  );
  const shown = query.get('show');
  return (
    <Page title={t('nav.events')} about={t('events.about')}>
      <div class="stack">
        <h2>{t('events.catalogue')}</h2>
        <Failed error={types.error} retry={types.reload} />
        {!types.items && !types.error && <Bones rows={3} />}
        {types.items && (
          <div class="card flush">
            {types.items.length ? types.items.map((type) => <Type key={type.name} of={type} />) : (
              <Empty icon="events" title={t('events.noTypes')}>
                {t('events.noTypes.text')}
              </Empty>
            )}
          </div>
        )}
        <More {...types} />
      </div>
      <div class="stack">
        <div class="row between">
          <h2>{t('events.recent')}</h2>
          <label class="row small muted">
            {t('event')}
            <input style={{ inlineSize: '200px' }} value={chosen} spellcheck={false} onInput={(event) => setQuery({ event: event.currentTarget.value.trim() })} />
          </label>
        </div>
        <Failed error={events.error} retry={events.reload} />
        {!events.items && !events.error && <Bones rows={5} />}
        {events.items && (
          <div class="card flush">
            {events.items.length ? <Recent of={events.items} /> : (
              <Empty icon="events" title={t(chosen ? 'nothing' : 'events.none')}>
                {!chosen && t('events.none.text')}
              </Empty>
            )}
          </div>
        )}
        <More {...events} />
      </div>
      <Dialog title={t('event')} open={shown !== null} onClose={() => setQuery({ show: '' })}>
        {shown && <Detail id={shown} />}
      </Dialog>
    </Page>
  );
}

function Type({ of }: { of: EventTypeView }): JSX.Element {
  const { can, restricted } = useSession();
  const sample = example(of.schema as Schema | undefined) as Record<string, unknown>;
  return (
    <details class="attempt">
      <summary>
        <strong class="mono break">{of.name}</strong>
        <span class="muted grow">{of.description}</span>
      </summary>
      <div class="stack">
        <div class="cols">
          {of.schema ? <Code label={t('events.schema')} text={pretty(of.schema)} /> : <p class="muted">{t('events.noSchema')}</p>}
          {of.schema && <Code label={t('events.example')} text={pretty(sample)} />}
        </div>
        {can('send') && !restricted && <Sample name={of.name} data={sample} />}
      </div>
    </details>
  );
}

/** Publishes an event of the type, which goes to every webhook that takes it. */
function Sample({ name, data }: { name: string; data: Record<string, unknown> }): JSX.Element {
  const { client } = useSession();
  const [open, setOpen] = useState(false);
  const [text, setText] = useState(pretty(data));
  const [taken, setTaken] = useState<EventTaken>();
  const send = useAction(async () => {
    const result = await client.events.publish({ event: name, data: JSON.parse(text) as Record<string, unknown> });
    setTaken(result);
    announce(counted('events.sent', result.deliveries));
  });
  const broken = isObject(text) ? undefined : t('settings.notJson');
  return (
    <div class="row">
      <Button icon="send" onClick={() => setOpen(true)}>
        {t('events.send')}
      </Button>
      <Dialog title={t('events.send')} open={open} onClose={() => (setOpen(false), setTaken(undefined))}>
        <form class="stack" onSubmit={(event) => (event.preventDefault(), send.run())}>
          <p class="muted">{t('events.sendText')}</p>
          <Field label={t('delivery.data')} wrong={broken ?? wrong(send.error, 'data')}>
            {(given) => <textarea {...given} rows={9} spellcheck={false} value={text} onInput={(event) => setText(event.currentTarget.value)} />}
          </Field>
          {taken && (
            <Notice tone="good" title={counted('events.sent', taken.deliveries)}>
              {taken.warnings?.map((one) => (
                <span key={one.field}>
                  <code>{one.field}</code> {one.message}
                </span>
              ))}
            </Notice>
          )}
          <Failed error={send.error} />
          <div class="row end">
            <Button onClick={() => setOpen(false)}>{t(taken ? 'done' : 'cancel')}</Button>
            <Button type="submit" look="main-action" busy={send.busy} disabled={broken !== undefined}>
              {t('events.publish')}
            </Button>
          </div>
        </form>
      </Dialog>
    </div>
  );
}

function isObject(text: string): boolean {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value);
  } catch {
    return false;
  }
}

function Recent({ of }: { of: EventView[] }): JSX.Element {
  return (
    <div class="table">
      <table class="cards">
        <caption class="hidden">{t('events.recent')}</caption>
        <thead>
          <tr>
            <th scope="col">{t('event')}</th>
            <th scope="col">{t('published')}</th>
            <th scope="col" class="num">{t('state.delivered')}</th>
            <th scope="col" class="num">{t('waiting')}</th>
            <th scope="col" class="num">{t('events.failed')}</th>
          </tr>
        </thead>
        <tbody>
          {of.map(({ id, event, createdAt, deliveries: count, warnings }) => (
            <tr key={id}>
              <td class="whole">
                <span class="row">
                  <button type="button" class="quiet mono break" onClick={() => setQuery({ show: id })}>
                    {event}
                  </button>
                  {warnings && <Badge tone="warn">{t('events.warned')}</Badge>}
                </span>
              </td>
              <td data-label={t('published')}>
                <Time at={createdAt} short />
              </td>
              <td class="num" data-label={t('state.delivered')}>
                <span>{number(count.delivered)}</span>
              </td>
              <td class="num" data-label={t('waiting')}>
                <span>{number(count.queued + count.pending + count.retrying)}</span>
              </td>
              <td class="num" data-label={t('events.failed')}>
                <span>{number(count.exhausted + count.discarded)}</span>
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function Detail({ id }: { id: string }): JSX.Element {
  const { client, can } = useSession();
  const read = useData(id, (signal) => client.events.get(id, { signal }));
  if (!read.data) return read.error ? <Failed error={read.error} /> : <Bones />;
  const { event, createdAt, data, webhooks, warnings } = read.data;
  return (
    <>
      <div class="row between">
        <strong class="mono break">{event}</strong>
        <Time at={createdAt} />
      </div>
      {warnings?.map((one) => (
        <Notice tone="warn" key={one.field}>
          <span>
            <code>{one.field}</code> {one.message}
          </span>
        </Notice>
      ))}
      {data ? <Code label={t('delivery.data')} text={pretty(data)} /> : !can('payloads') && <p class="muted">{t('delivery.hidden')}</p>}
      {webhooks?.map(({ webhookId, deliveryId, state }) => (
        <div class="row between" key={deliveryId}>
          <A to={`webhooks/${webhookId}/deliveries/${deliveryId}`} class="mono small">
            {deliveryId}
          </A>
          {state === 'queued' ? <Badge tone="info">{label('state', 'pending')}</Badge> : <DeliveryState state={state} />}
        </div>
      ))}
    </>
  );
}
