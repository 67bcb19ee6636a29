import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import type { ApprovalSummary } from '../../../clients/typescript/src/models';
import { useSession } from '../context';
import { useAction, useData, useList } from '../data';
import { label, t } from '../i18n';
import { A, setQuery, usePlace } from '../router';
import { announce, Badge, Bones, Button, Code, Empty, Failed, Field, More, Page, pretty, type Tone, Time } from '../ui';

type Status = ApprovalSummary['status'];

const STATES: Status[] = ['pending', 'approved', 'used', 'denied', 'expired'];
const TONES: Record<Status, Tone> = { pending: 'warn', approved: 'info', used: 'good', denied: 'bad', expired: '' };
const ALL = 'all';

/** Calls that a person has to allow, newest first; those that wait, unless the query says otherwise. */
export function Approvals(): JSX.Element {
  const { client } = useSession();
  const { query } = usePlace();
  const wanted = query.get('status') ?? 'pending';
  const status = STATES.find((one) => one === wanted);
  const list = useList(
    `approvals ${wanted}`,
    () => client.approvals.list({ limit: 30, ...(status && { status }) }),
    (one) => one.approvalId,
    5000,
  );
  return (
    <Page title={t('nav.approvals')} about={t('approvals.about')}>
      <div class="filters" role="search">
        <label>
          {t('state')}
          <select value={status ?? ALL} onChange={(event) => setQuery({ status: event.currentTarget.value })}>
            <option value={ALL}>{t('all')}</option>
            {STATES.map((one) => (
              <option key={one} value={one}>
                {label('approval', one)}
              </option>
            ))}
          </select>
        </label>
      </div>
      <Failed error={list.error} retry={list.reload} />
      {!list.items && !list.error && <Bones rows={4} />}
      {list.items && (
        <div class="card flush">
          {list.items.length === 0 && (
            <Empty icon="approvals" title={t(status === 'pending' ? 'approvals.none' : 'nothing')}>
              {status === 'pending' && t('approvals.none.text')}
            </Empty>
          )}
          {list.items.map((one) => (
            <Approval key={one.approvalId} of={one} onDecided={(changed) => list.put([changed])} />
          ))}
        </div>
      )}
      <More {...list} />
    </Page>
  );
}

interface ApprovalProps {
  of: ApprovalSummary;
  onDecided: (changed: ApprovalSummary) => void;
}

function Approval({ of, onDecided }: ApprovalProps): JSX.Element {
  const [open, set] = useState(false);
  return (
    <details class="attempt" onToggle={(event) => set(event.currentTarget.open)}>
      <summary>
        <strong class="mono break">{of.action}</strong>
        <Badge tone={TONES[of.status]}>{label('approval', of.status)}</Badge>
        <Time at={of.createdAt} short />
        <span class="muted mono break">{of.requestedBy}</span>
      </summary>
      {open && <Call of={of} onDecided={onDecided} />}
    </details>
  );
}

/** What is to be called and with what, and the decision while it may be taken. */
function Call({ of, onDecided }: ApprovalProps): JSX.Element {
  const { client } = useSession();
  const { data, error, reload } = useData(`${of.approvalId} ${of.status}`, (signal) =>
    client.approvals.get(of.approvalId, { signal }),
  );
  const [reason, setReason] = useState('');
  const decide = useAction(async (verb: 'approve' | 'deny') => {
    const decided = await client.approvals[verb](of.approvalId, reason ? { reason } : {});
    onDecided(decided);
    announce(label('approval', decided.status));
  });
  return (
    <div class="stack">
      <Failed error={error} retry={reload} />
      <dl class="facts">
        <div>
          <dt>{t('approvals.integration')}</dt>
          <dd>
            <A to={`integrations/${of.integrationId}`} class="mono">
              {of.integrationId}
            </A>
          </dd>
        </div>
        <div>
          <dt>{t('approvals.until')}</dt>
          <dd>
            <Time at={of.expiresAt} />
          </dd>
        </div>
        {of.decidedBy && (
          <div>
            <dt>{t('approvals.decided')}</dt>
            <dd class="mono">{of.decidedBy}</dd>
          </div>
        )}
        {of.reason && (
          <div>
            <dt>{t('approvals.reason')}</dt>
            <dd class="break">{of.reason}</dd>
          </div>
        )}
      </dl>
      {data?.parameters && <Code label={t('approvals.parameters')} text={pretty(data.parameters)} />}
      {of.status === 'pending' && (
        <>
          <Field label={t('approvals.reason')} hint={t('approvals.reasonHint')}>
            {(given) => <input {...given} value={reason} maxLength={500} onInput={(event) => setReason(event.currentTarget.value)} />}
          </Field>
          <Failed error={decide.error} />
          <div class="row">
            <Button look="main-action" icon="check" busy={decide.busy} onClick={() => decide.run('approve')}>
              {t('approvals.approve')}
            </Button>
            <Button look="danger" busy={decide.busy} onClick={() => decide.run('deny')}>
              {t('approvals.deny')}
            </Button>
          </div>
        </>
      )}
    </div>
  );
}
