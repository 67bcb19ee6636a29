import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import type { RotatedSecret, WebhookView } from '../../../clients/typescript/src/models';
import { useSession } from '../context';
import { useAction, useData } from '../data';
import { EventPicker } from '../event-picker';
import { t, wait } from '../i18n';
import { go } from '../router';
import type { Params } from '../shell';
import { Secret, Snippets } from '../snippets';
import { announce, Bones, Button, Dialog, Failed, Field, Notice, Page, pretty, Time, wrong } from '../ui';
import { FilterPreview } from './filter-preview';
import { WebhookTabs } from './webhook-tabs';

/** What a webhook takes and how: each card is saved by itself. */
export function Settings({ params: { id = '' } }: { params: Params }): JSX.Element {
  const { client, can } = useSession();
  const read = useData(id, (signal) => client.webhooks.get(id, { signal }));
  const of = read.data;
  if (!of) return read.error ? <Failed error={read.error} retry={read.reload} /> : <Bones rows={8} />;
  return (
    <Page
      title={t('tab.settings')}
      above={[
        [t('nav.webhooks'), 'webhooks'],
        [of.name, `webhooks/${id}`],
      ]}
    >
      <WebhookTabs id={id} now="settings" />
      {of.type === 'mcp' && <Notice tone="info">{t('settings.mcp')}</Notice>}
      <General of={of} saved={read.set} />
      {of.type !== 'mcp' && <Filter of={of} saved={read.set} />}
      <Schedule of={of} saved={read.set} />
      {of.type !== 'mcp' && can('secrets') && <Rotate of={of} />}
      <div class="card">
        <h2>{t('verify.title')}</h2>
        <p class="muted">{t('verify.text')}</p>
        <Snippets />
      </div>
      <Delete of={of} />
    </Page>
  );
}

interface Part {
  of: WebhookView;
  saved: (webhook: WebhookView) => void;
}

function Save({ busy }: { busy: boolean }): JSX.Element {
  return (
    <div class="row">
      <Button type="submit" look="main-action" busy={busy}>
        {t('save')}
      </Button>
    </div>
  );
}

function General({ of, saved }: Part): JSX.Element {
  const { client } = useSession();
  const [name, setName] = useState(of.name);
  const [url, setUrl] = useState(of.url ?? '');
  const [events, setEvents] = useState<string[]>(of.events);
  const [rate, setRate] = useState(of.rateLimit ? String(of.rateLimit) : '');
  const save = useAction(async () => {
    // A URL in which something is masked must not be sent back as it is shown.
    const moved = !of.type && url !== of.url && { url };
    const pushed = !of.type && { rateLimit: rate ? Number(rate) : null };
    saved(await client.webhooks.update(of.id, { name, ...(of.type !== 'mcp' && { events }), ...moved, ...pushed }));
    announce(t('saved'));
  });
  return (
    <form class="card" onSubmit={(event) => (event.preventDefault(), save.run())}>
      <h2>{t('settings.general')}</h2>
      <Field label={t('name')} wrong={wrong(save.error, 'name')}>
        {(given) => <input {...given} required maxLength={100} value={name} onInput={(event) => setName(event.currentTarget.value)} />}
      </Field>
      {!of.type && (
        <>
          <Field label={t('new.url')} hint={of.headers ? t('settings.urlHint') : undefined} wrong={wrong(save.error, 'url') ?? wrong(save.error, 'headers')}>
            {(given) => <input {...given} type="url" required spellcheck={false} value={url} onInput={(event) => setUrl(event.currentTarget.value)} />}
          </Field>
          <Field label={t('settings.rate')} hint={t('settings.rateHint')} wrong={wrong(save.error, 'rateLimit')}>
            {(given) => (
              <input {...given} type="number" min={1} max={1000} value={rate} onInput={(event) => setRate(event.currentTarget.value)} style={{ maxInlineSize: '160px' }} />
            )}
          </Field>
        </>
      )}
      {of.type !== 'mcp' && <EventPicker value={events} onChange={setEvents} wrong={wrong(save.error, 'events')} />}
      <Failed error={save.error} />
      <Save busy={save.busy} />
    </form>
  );
}

function Filter({ of, saved }: Part): JSX.Element {
  const { client, can } = useSession();
  const [text, setText] = useState(of.filter ? pretty(of.filter) : '');
  const pattern = parsed(text);
  const save = useAction(async () => {
    saved(await client.webhooks.update(of.id, { filter: text.trim() ? (pattern as Record<string, unknown>) : null }));
    announce(t('saved'));
  });
  const broken = text.trim() && pattern === undefined ? t('settings.notJson') : undefined;
  return (
    <form class="card" onSubmit={(event) => (event.preventDefault(), save.run())}>
      <h2>{t('settings.filter')}</h2>
      <p class="muted">{t('settings.filterText')}</p>
      <Field label={t('settings.pattern')} wrong={broken ?? wrong(save.error, 'filter')}>
        {(given) => (
          <textarea
            {...given}
            rows={7}
            spellcheck={false}
            placeholder='{"data": {"amount": [{"numeric": [">", 100]}]}}'
            value={text}
            onInput={(event) => setText(event.currentTarget.value)}
          />
        )}
      </Field>
      <Failed error={save.error} />
      <div class="row">
        <Button type="submit" look="main-action" busy={save.busy} disabled={broken !== undefined}>
          {t('save')}
        </Button>
      </div>
      {can('payloads') && <FilterPreview webhook={of} />}
    </form>
  );
}

function parsed(text: string): unknown {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value && !Array.isArray(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

function Schedule({ of, saved }: Part): JSX.Element {
  const { client } = useSession();
  const [text, setText] = useState(of.retrySchedule?.join(', ') ?? '');
  const waits = text.trim() ? text.split(/[\s,]+/).filter(Boolean).map(Number) : [];
  const save = useAction(async () => {
    saved(await client.webhooks.update(of.id, { retrySchedule: waits.length ? waits : null }));
    announce(t('saved'));
  });
  let sum = 0;
  return (
    <form class="card" onSubmit={(event) => (event.preventDefault(), save.run())}>
      <h2>{t('settings.schedule')}</h2>
      <Field label={t('settings.waits')} hint={t('settings.waitsHint')} wrong={wrong(save.error, 'retrySchedule')}>
        {(given) => (
          <input {...given} inputMode="numeric" placeholder="0, 5, 300, 1800, 7200" spellcheck={false} value={text} onInput={(event) => setText(event.currentTarget.value)} />
        )}
      </Field>
      {waits.length > 0 && waits.every((one) => one >= 0) && (
        <ol class="row small" aria-label={t('settings.schedule')}>
          {waits.map((seconds, index) => (
            <li class="tag" key={index}>
              {index + 1}: +{wait((sum += seconds))}
            </li>
          ))}
        </ol>
      )}
      <Failed error={save.error} />
      <Save busy={save.busy} />
    </form>
  );
}

const OVERLAPS = [0, 3600, 86_400, 604_800];

function Rotate({ of }: { of: WebhookView }): JSX.Element {
  const { client } = useSession();
  const [overlap, setOverlap] = useState(86_400);
  const [rotated, setRotated] = useState<RotatedSecret>();
  const rotate = useAction(async () => {
    setRotated(await client.webhooks.rotateSecret(of.id, { overlapSeconds: overlap }));
    announce(t('secret.once'));
  });
  return (
    <form class="card" onSubmit={(event) => (event.preventDefault(), rotate.run())}>
      <h2>{t('secret.title')}</h2>
      <p class="muted">{t('secret.text')}</p>
      <Field label={t('secret.overlap')}>
        {(given) => (
          <select {...given} value={overlap} onChange={(event) => setOverlap(Number(event.currentTarget.value))} style={{ maxInlineSize: '280px' }}>
            {OVERLAPS.map((seconds) => (
              <option key={seconds} value={seconds}>
                {seconds ? wait(seconds) : t('secret.now')}
              </option>
            ))}
          </select>
        )}
      </Field>
      {rotated?.secret && <Secret secret={rotated.secret} />}
      {rotated?.overlapUntil && (
        <p class="small muted">
          {t('secret.until')} <Time at={rotated.overlapUntil} />
        </p>
      )}
      <Failed error={rotate.error} />
      <div class="row">
        <Button type="submit" busy={rotate.busy}>
          {t('secret.rotate')}
        </Button>
      </div>
    </form>
  );
}

/** Deleting needs the name, so that nobody deletes another one by a slip. */
function Delete({ of }: { of: WebhookView }): JSX.Element {
  const { client } = useSession();
  const [open, setOpen] = useState(false);
  const [typed, setTyped] = useState('');
  const remove = useAction(async () => {
    await client.webhooks.delete(of.id);
    announce(t('deleted'));
    go('webhooks');
  });
  return (
    <div class="card">
      <h2>{t('delete.title')}</h2>
      <p class="muted">{t('delete.text')}</p>
      <div class="row">
        <Button look="danger" onClick={() => setOpen(true)}>
          {t('delete')}
        </Button>
      </div>
      <Dialog title={t('delete.title')} open={open} onClose={() => setOpen(false)}>
        <form class="stack" onSubmit={(event) => (event.preventDefault(), remove.run())}>
          <Field label={t('delete.type', { name: of.name })}>
            {(given) => <input {...given} autocomplete="off" value={typed} onInput={(event) => setTyped(event.currentTarget.value)} />}
          </Field>
          <Failed error={remove.error} />
          <div class="row end">
            <Button onClick={() => setOpen(false)}>{t('cancel')}</Button>
            <Button type="submit" look="danger" busy={remove.busy} disabled={typed !== of.name}>
              {t('delete')}
            </Button>
          </div>
        </form>
      </Dialog>
    </div>
  );
}
