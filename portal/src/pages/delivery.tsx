import type { JSX } from 'preact';
import type { AttemptDetail, DeliveryDetail } from '../../../clients/typescript/src/models';
import { useSession } from '../context';
import { useAction, useData } from '../data';
import { counted, label, milliseconds, t } from '../i18n';
import type { Params } from '../shell';
import { DeliveryState, outcome } from '../states';
import { announce, Badge, Bones, Button, Code, Copy, Failed, Notice, Page, Pairs, pretty, Time } from '../ui';

const PHASES = ['dns', 'connect', 'tls', 'first_byte'] as const;
const REFRESH = 4_000;

/** One delivery: what was sent, what came back, why it failed and what to do. */
export function Delivery({ params: { id = '', delivery = '' } }: { params: Params }): JSX.Element {
  const { client, can } = useSession();
  const read = useData(delivery, (signal) => client.webhooks.getDelivery(id, delivery, { signal }), REFRESH);
  const webhook = useData(id, (signal) => client.webhooks.get(id, { signal }));
  const resend = useAction(async () => {
    await client.webhooks.resendDelivery(id, delivery);
    announce(counted('resent', 1));
    read.reload();
  });
  const shown = read.data;
  if (!shown) return read.error ? <Failed error={read.error} retry={read.reload} /> : <Bones rows={8} />;
  const last = shown.attempts.at(-1);
  return (
    <Page
      title={shown.event}
      about={<code>{shown.id}</code>}
      above={[
        [t('nav.webhooks'), 'webhooks'],
        [webhook.data?.name ?? id, `webhooks/${id}`],
        [t('tab.deliveries'), `webhooks/${id}/deliveries`],
      ]}
      actions={
        <>
          {last && can('payloads') && shown.data && <Copy text={asCurl(last, shown)}>{t('delivery.curl')}</Copy>}
          {can('send') && (
            <Button icon="send" look="main-action" busy={resend.busy} disabled={webhook.data?.active === false} onClick={resend.run}>
              {t('resend')}
            </Button>
          )}
        </>
      }
    >
      <Failed error={resend.error ?? read.error} />
      <Summary of={shown} />
      <div class="stack">
        <h2>{t('attempts')}</h2>
        {shown.attempts.length ? (
          <div class="card flush">
            {[...shown.attempts].reverse().map((attempt, index) => (
              <Attempt key={attempt.attempt} of={attempt} open={index === 0} />
            ))}
          </div>
        ) : (
          <Notice tone="info">{t('delivery.noAttempt')}</Notice>
        )}
      </div>
      <div class="stack">
        <h2>{t('payload')}</h2>
        {shown.data ? (
          <Code label={t('delivery.data')} text={pretty(shown.data)} />
        ) : (
          <Notice tone="info">{t(can('payloads') ? 'delivery.expired' : 'delivery.hidden')}</Notice>
        )}
      </div>
    </Page>
  );
}

/** State and times; for a failure its cause and the next step. */
function Summary({ of }: { of: DeliveryDetail }): JSX.Element {
  const last = of.attempts.at(-1);
  const tone = of.state === 'delivered' ? 'info' : of.state === 'exhausted' ? 'bad' : 'warn';
  return (
    <div class="card">
      <dl class="facts">
        <div>
          <dt>{t('state')}</dt>
          <dd>
            <DeliveryState state={of.state} />
          </dd>
        </div>
        <div>
          <dt>{t('published')}</dt>
          <dd>
            <Time at={of.createdAt} />
          </dd>
        </div>
        <div>
          <dt>{t('lastAnswer')}</dt>
          <dd>{outcome(last)}</dd>
        </div>
        {of.nextAttemptAt && (
          <div>
            <dt>{t('nextAttempt')}</dt>
            <dd>
              <Time at={of.nextAttemptAt} />
            </dd>
          </div>
        )}
        <div>
          <dt>{t('delivery.eventId')}</dt>
          <dd class="mono">{of.eventId}</dd>
        </div>
      </dl>
      {last?.explanation && (
        <Notice tone={tone} title={last.explanation}>
          {last.nextStep && <span>{last.nextStep}.</span>}
        </Notice>
      )}
    </div>
  );
}

function Attempt({ of, open }: { of: AttemptDetail; open: boolean }): JSX.Element {
  const tone = of.status === 'success' ? 'good' : of.status === 'error' ? 'bad' : 'warn';
  return (
    <details class="attempt" open={open}>
      <summary>
        <strong>{t('attempt', { attempt: of.attempt })}</strong>
        <Badge tone={tone}>{of.status === 'unknown' ? t('outcome.unknown') : outcome(of)}</Badge>
        <Time at={of.startedAt} short />
        <span class="muted">{milliseconds(of.durationMs)}</span>
      </summary>
      <div class="stack">
        {of.explanation && !open && <p class="muted">{of.explanation}</p>}
        {of.timings && <Phases of={of.timings} />}
        {of.url && <Pairs of={{ POST: of.url }} />}
        <h3>{t('delivery.headers')}</h3>
        <Pairs of={of.requestHeaders} />
        <Code label={of.httpStatus ? t('delivery.answer', { status: String(of.httpStatus) }) : t('outcome.none')} text={of.response || t('delivery.empty')} />
      </div>
    </details>
  );
}

/** How long each phase took, as one bar. */
function Phases({ of }: { of: Record<string, number> }): JSX.Element {
  const known = PHASES.map((name) => [name, of[name] ?? 0] as const);
  const before = known.reduce((sum, [, ms]) => sum + ms, 0);
  const total = Math.max(of['total'] ?? 0, before, 1);
  const phases = [...known, ['rest', total - before] as const].filter(([, ms]) => ms > 0);
  return (
    <div class="stack tight">
      <div class="phases" aria-hidden="true">
        {phases.map(([name, ms]) => (
          <span key={name} class={`p-${name}`} style={{ inlineSize: `${(ms / total) * 100}%` }} />
        ))}
      </div>
      <div class="legend">
        {phases.map(([name, ms]) => (
          <span key={name}>
            <i class={`p-${name}`} />
            {label('phase', name)} {milliseconds(ms)}
          </span>
        ))}
      </div>
    </div>
  );
}

/** The request for a shell. Secret parts are masked, as everywhere: an endpoint that checks signatures refuses it. */
function asCurl(attempt: AttemptDetail, { event, timestamp, data }: DeliveryDetail): string {
  const quoted = (text: string) => `'${text.replaceAll("'", `'\\''`)}'`;
  const headers = Object.entries(attempt.requestHeaders).map(([name, value]) => `-H ${quoted(`${name}: ${value}`)}`);
  const body = `--data-raw ${quoted(JSON.stringify({ event, timestamp, data }))}`;
  return [`curl -X POST ${quoted(attempt.url ?? '')}`, ...headers, body].join(' \\\n  ');
}
