import type { JSX } from 'preact';
import type { DeliveryView, WebhookView } from '../../clients/typescript/src/models';
import { label, t } from './i18n';
import { Badge, type Tone } from './ui';

const DELIVERY: Record<DeliveryView['state'], Tone> = {
  pending: 'info',
  retrying: 'warn',
  delivered: 'good',
  exhausted: 'bad',
  discarded: '',
};

export function DeliveryState({ state }: { state: DeliveryView['state'] }): JSX.Element {
  return <Badge tone={DELIVERY[state]}>{label('state', state)}</Badge>;
}

/** The state of a webhook: it takes events, its owner paused it, or the service disabled it. */
export function webhookState({ active, disabledReason }: WebhookView): 'active' | 'paused' | 'disabled' {
  return active ? 'active' : disabledReason ? 'disabled' : 'paused';
}

export function WebhookState({ of }: { of: WebhookView }): JSX.Element {
  const state = webhookState(of);
  const tone: Tone = state === 'active' ? 'good' : state === 'paused' ? 'warn' : 'bad';
  return (
    <span class="row" style={{ gap: '6px' }}>
      <Badge tone={tone}>{label('webhook', state)}</Badge>
      {of.disabledReason && <span class="small muted">{label('disabled', of.disabledReason)}</span>}
    </span>
  );
}

/** A failure of an attempt in a few words; its class may follow a colon (`blocked_address: link_local`). */
export function failureName(kind: string): string {
  return label('failure', kind.split(':')[0] ?? kind, kind);
}

/** What an attempt got: the status of its answer, or its failure. */
export function outcome(attempt: { httpStatus?: number; failure?: string; status: string } | undefined): string {
  if (!attempt) return '–';
  const { httpStatus, failure } = attempt;
  if (httpStatus) return failure ? `${httpStatus} · ${failureName(failure)}` : String(httpStatus);
  return failure ? failureName(failure) : t('outcome.none');
}
