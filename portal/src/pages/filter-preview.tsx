import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import type { EventView, WebhookView } from '../../../clients/typescript/src/models';
import { useSession } from '../context';
import { useAction } from '../data';
import { label, t } from '../i18n';
import { Badge, Button, Failed, Time } from '../ui';

const RECENT = 10;

/** Which recent events the webhook would get by the filter that is saved. */
export function FilterPreview({ webhook }: { webhook: WebhookView }): JSX.Element {
  const { client } = useSession();
  const [found, set] = useState<{ event: EventView; reason: string }[]>();
  const preview = useAction(async () => {
    const events: EventView[] = [];
    for await (const page of client.events.list({ limit: RECENT }).pages()) {
      events.push(...page.items);
      if (events.length >= RECENT) break;
    }
    const judged = events.slice(0, RECENT).map(async (event) => {
      const { data = {} } = await client.events.get(event.id);
      const { webhooks } = await client.events.preview({ event: event.event, data });
      return { event, reason: webhooks.find((one) => one.id === webhook.id)?.reason ?? 'not_subscribed' };
    });
    set(await Promise.all(judged));
  });
  return (
    <div class="stack tight">
      <div class="row">
        <Button onClick={preview.run} busy={preview.busy}>
          {t('preview.run')}
        </Button>
        <span class="small muted">{t('preview.text')}</span>
      </div>
      <Failed error={preview.error} />
      {found?.length === 0 && <p class="muted">{t('preview.none')}</p>}
      {found?.map(({ event, reason }) => (
        <div class="row between" key={event.id}>
          <span class="mono break">{event.event}</span>
          <span class="row">
            <span class="small muted">
              <Time at={event.createdAt} short />
            </span>
            <Badge tone={reason === 'subscribed' ? 'good' : ''}>{label('reach', reason)}</Badge>
          </span>
        </div>
      ))}
    </div>
  );
}
