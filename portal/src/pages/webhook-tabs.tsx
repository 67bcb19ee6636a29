import type { JSX } from 'preact';
import { useSession } from '../context';
import { t } from '../i18n';
import { Tabs } from '../ui';

/** The pages of a webhook, as far as the session goes. */
export function WebhookTabs({ id, now }: { id: string; now: '' | 'deliveries' | 'recover' | 'settings' }): JSX.Element {
  const { can } = useSession();
  const at = `webhooks/${id}`;
  const pages: [string, string][] = [
    [t('tab.overview'), at],
    [t('tab.deliveries'), `${at}/deliveries`],
  ];
  if (can('send')) pages.push([t('tab.recover'), `${at}/recover`]);
  if (can('webhooks')) pages.push([t('tab.settings'), `${at}/settings`]);
  return <Tabs name={t('nav.webhooks')} now={now ? `${at}/${now}` : at} of={pages} />;
}
