import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import type { WebhookView } from '../../../clients/typescript/src/models';
import { useSession } from '../context';
import { useAction } from '../data';
import { EventPicker } from '../event-picker';
import { t } from '../i18n';
import { A } from '../router';
import { Secret, Snippets } from '../snippets';
import { announce, Button, Failed, Field, Page, wrong } from '../ui';

/** A new webhook, and then its secret, which is shown this once. */
export function NewWebhook(): JSX.Element {
  const { client } = useSession();
  const [polling, setPolling] = useState(false);
  const [name, setName] = useState('');
  const [url, setUrl] = useState('');
  const [events, setEvents] = useState<string[]>(['*']);
  const [made, setMade] = useState<WebhookView>();
  const create = useAction(async () => {
    const webhook = await client.webhooks.create({ name, events, ...(polling ? { type: 'polling' } : { url }) });
    setMade(webhook);
    announce(t('new.done'));
  });
  if (made) return <Made webhook={made} />;
  const submit = (event: Event) => {
    event.preventDefault();
    create.run();
  };
  return (
    <Page title={t('webhooks.new')} about={t('new.about')} above={[[t('nav.webhooks'), 'webhooks']]}>
      <form class="card narrow" onSubmit={submit}>
        <Field label={t('name')} hint={t('new.nameHint')} wrong={wrong(create.error, 'name')}>
          {(given) => <input {...given} required maxLength={100} value={name} onInput={(event) => setName(event.currentTarget.value)} />}
        </Field>
        <fieldset class="field">
          <legend>{t('new.how')}</legend>
          <label class="check">
            <input type="radio" name="how" checked={!polling} onChange={() => setPolling(false)} />
            {t('new.push')}
          </label>
          <label class="check">
            <input type="radio" name="how" checked={polling} onChange={() => setPolling(true)} />
            {t('new.poll')}
          </label>
        </fieldset>
        {!polling && (
          <Field label={t('new.url')} hint={t('new.urlHint')} wrong={wrong(create.error, 'url')}>
            {(given) => (
              <input
                {...given}
                type="url"
                required
                inputMode="url"
                placeholder="https://example.com/webhooks"
                spellcheck={false}
                value={url}
                onInput={(event) => setUrl(event.currentTarget.value)}
              />
            )}
          </Field>
        )}
        <EventPicker value={events} onChange={setEvents} wrong={wrong(create.error, 'events')} />
        <Failed error={create.error} />
        <div class="row">
          <Button type="submit" look="main-action" busy={create.busy} disabled={!events.length}>
            {t('create')}
          </Button>
          <A to="webhooks" class="button">
            {t('cancel')}
          </A>
        </div>
      </form>
    </Page>
  );
}

function Made({ webhook }: { webhook: WebhookView }): JSX.Element {
  const { can } = useSession();
  return (
    <Page
      title={t('new.done')}
      about={webhook.name}
      above={[[t('nav.webhooks'), 'webhooks']]}
      actions={
        <A to={`webhooks/${webhook.id}`} class="button main-action">
          {t('new.open')}
        </A>
      }
    >
      {can('secrets') && webhook.secret && <Secret secret={webhook.secret} />}
      <div class="card">
        <h2>{t('verify.title')}</h2>
        <p class="muted">{t('verify.text')}</p>
        <Snippets />
      </div>
    </Page>
  );
}
