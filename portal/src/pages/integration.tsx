import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import type { CapabilityView, IntegrationDetail, LogView, ParameterView } from '../../../clients/typescript/src/models';
import { useSession } from '../context';
import { useAction, useData, useList } from '../data';
import { label, milliseconds, number, percent, t } from '../i18n';
import { A, go } from '../router';
import type { Params } from '../shell';
import { announce, Badge, Bones, Button, Code, Dialog, Empty, Failed, Field, More, Notice, Page, pretty, type Tone, Time, wrong } from '../ui';
import { Status } from './integrations';

/** One integration: how it is, what it can do, and what it did. */
export function Integration({ params: { id = '' } }: { params: Params }): JSX.Element {
  const { client, can } = useSession();
  const read = useData(id, (signal) => client.integrations.get(id, { signal }), 15_000);
  const test = useAction(async () => {
    announce((await client.integrations.test(id)).testResult.message);
    read.reload();
  });
  const of = read.data;
  if (!of) return read.error ? <Failed error={read.error} retry={read.reload} /> : <Bones rows={8} />;
  const connected = of.status === 'connected';
  return (
    <Page
      title={of.name}
      about={of.description}
      above={[[t('nav.integrations'), 'integrations']]}
      actions={
        can('connect') && (
          <>
            {(connected || of.status === 'error') && (
              <Button onClick={test.run} busy={test.busy}>
                {t('integration.test')}
              </Button>
            )}
            {!connected && (
              <A to={`integrations/connect/${id}`} class="button main-action">
                {t('integration.reconnect')}
              </A>
            )}
          </>
        )
      }
    >
      <Failed error={test.error ?? read.error} />
      <Health of={of} />
      <div class="stack">
        <h2>{t('integration.actions')}</h2>
        <div class="card flush">
          {of.capabilities.length ? (
            of.capabilities.map((one) => <Action key={one.name} integration={of} of={one} />)
          ) : (
            <Empty icon="integrations" title={t('integration.noActions')} />
          )}
        </div>
      </div>
      <Logs id={id} />
      {can('connect') && <End of={of} changed={read.reload} />}
    </Page>
  );
}

function Health({ of }: { of: IntegrationDetail }): JSX.Element {
  const { health, usageStats: usage } = of;
  const tone: Tone = health.status === 'healthy' ? 'good' : health.status === 'unhealthy' ? 'bad' : '';
  return (
    <div class="card">
      <dl class="facts">
        <div>
          <dt>{t('state')}</dt>
          <dd>
            <Status status={of.status} />
          </dd>
        </div>
        <div>
          <dt>{t('integration.health')}</dt>
          <dd>
            <Badge tone={tone}>{label('health', health.status)}</Badge>
          </dd>
        </div>
        <div>
          <dt>{t('integration.calls')}</dt>
          <dd>{number(usage.totalCalls)}</dd>
        </div>
        <div>
          <dt>{t('succeeded')}</dt>
          <dd>{usage.totalCalls ? percent(usage.successRate) : '–'}</dd>
        </div>
        {health.checkedAt && (
          <div>
            <dt>{t('integration.checked')}</dt>
            <dd>
              <Time at={health.checkedAt} />
            </dd>
          </div>
        )}
      </dl>
      {health.status === 'unhealthy' && (
        <Notice tone="bad" title={health.message}>
          {health.nextStep && <span>{health.nextStep}</span>}
        </Notice>
      )}
    </div>
  );
}

const EFFECTS: Record<string, Tone> = { read: 'good', write: 'info', destructive: 'bad' };

/** An action as a form of its parameters, with a button that runs it. */
function Action({ integration, of }: { integration: IntegrationDetail; of: CapabilityView }): JSX.Element {
  const { client, can } = useSession();
  const [values, set] = useState<Record<string, string>>({});
  const [result, setResult] = useState<{ text: string; ms: number }>();
  const run = useAction(async () => {
    setResult(undefined);
    const parameters = Object.fromEntries(
      of.parameters.flatMap(({ name, type }) => (values[name] ? [[name, typed(values[name], type)]] : [])),
    );
    const answer = await client.actions.execute(integration.id, of.name, { parameters });
    setResult({ text: pretty(answer.result), ms: answer.executionTime });
    announce(t('integration.ran'));
  });
  return (
    <details class="attempt">
      <summary>
        <strong class="break">{of.title ?? of.name}</strong>
        {of.effect && <Badge tone={EFFECTS[of.effect] ?? ''}>{label('effect', of.effect)}</Badge>}
        <span class="muted grow">{of.description}</span>
      </summary>
      <form class="stack" onSubmit={(event) => (event.preventDefault(), run.run())}>
        {of.parameters.map((one) => (
          <Parameter key={one.name} of={one} value={values[one.name] ?? ''} wrong={wrong(run.error, `parameters.${one.name}`)} onInput={(text) => set({ ...values, [one.name]: text })} />
        ))}
        {!of.parameters.length && <p class="muted">{t('integration.noParameters')}</p>}
        <Failed error={run.error} />
        {result && <Code label={`${t('integration.result')} · ${milliseconds(result.ms)}`} text={result.text} />}
        {can('act') && (
          <div class="row">
            <Button type="submit" look={of.effect === 'destructive' ? 'danger' : 'main-action'} busy={run.busy} disabled={integration.status !== 'connected'}>
              {t('integration.run')}
            </Button>
          </div>
        )}
      </form>
    </details>
  );
}

function Parameter({ of, value, wrong, onInput }: { of: ParameterView; value: string; wrong: string | undefined; onInput: (text: string) => void }) {
  const name = of.required ? of.name : `${of.name} (${t('optional')})`;
  const given = { required: of.required, value };
  return (
    <Field label={name} hint={of.description} wrong={wrong}>
      {(tied) => {
        if (of.type === 'boolean') {
          return (
            <select {...tied} {...given} onChange={(event) => onInput(event.currentTarget.value)}>
              <option value="" />
              <option value="true">true</option>
              <option value="false">false</option>
            </select>
          );
        }
        if (['object', 'array', 'any'].includes(of.type)) {
          return <textarea {...tied} {...given} rows={4} spellcheck={false} placeholder={of.type === 'array' ? '[]' : '{}'} onInput={(event) => onInput(event.currentTarget.value)} />;
        }
        const number = of.type === 'integer' || of.type === 'number';
        return <input {...tied} {...given} {...(number && { type: 'number', step: of.type === 'integer' ? 1 : 'any' })} onInput={(event) => onInput(event.currentTarget.value)} />;
      }}
    </Field>
  );
}

/** What was entered as the parameter's type; as text where it does not fit, for the API to say so. */
function typed(text: string, type: string): unknown {
  if (type === 'string') return text;
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

const LOGS: Record<LogView['status'], Tone> = { success: 'good', error: 'bad', unknown: 'warn' };

function Logs({ id }: { id: string }): JSX.Element {
  const { client } = useSession();
  const list = useList(`logs ${id}`, () => client.integrations.listLogs(id, { limit: 20 }), (one) => one.logId, 10_000);
  return (
    <div class="stack">
      <h2>{t('integration.logs')}</h2>
      <Failed error={list.error} retry={list.reload} />
      {list.items && (
        <div class="card flush">
          {list.items.length === 0 && <Empty icon="audit" title={t('integration.noLogs')} />}
          {list.items.map((log) => (
            <details class="attempt" key={log.logId}>
              <summary>
                <strong class="break">{log.action}</strong>
                <Badge tone={LOGS[log.status]}>{label('log', log.status)}</Badge>
                <Time at={log.timestamp} short />
                <span class="muted">{milliseconds(log.executionTime)}</span>
              </summary>
              <div class="stack">
                {log.input !== undefined && <Code label={t('integration.input')} text={pretty(log.input)} />}
                {log.output !== undefined && <Code label={t('integration.output')} text={pretty(log.output)} />}
                {log.requestId && (
                  <span class="small muted">
                    {t('request')} <code>{log.requestId}</code>
                  </span>
                )}
              </div>
            </details>
          ))}
        </div>
      )}
      <More {...list} />
    </div>
  );
}

/** Disconnecting wipes the credentials; what is not connected can be deleted. */
function End({ of, changed }: { of: IntegrationDetail; changed: () => void }): JSX.Element {
  const { client } = useSession();
  const [open, setOpen] = useState(false);
  const connected = of.status !== 'disconnected';
  const end = useAction(async () => {
    if (connected) await client.integrations.disconnect(of.id);
    else await client.integrations.delete(of.id);
    setOpen(false);
    announce(t(connected ? 'integration.disconnected' : 'deleted'));
    if (connected) changed();
    else go('integrations');
  });
  const [title, text] = connected ? (['integration.disconnect', 'integration.disconnectText'] as const) : (['integration.delete', 'integration.deleteText'] as const);
  return (
    <div class="row">
      <Button look="danger" onClick={() => setOpen(true)}>
        {t(title)}
      </Button>
      <Dialog title={t(title)} open={open} onClose={() => setOpen(false)}>
        <p class="muted">{t(text)}</p>
        <Failed error={end.error} />
        <div class="row end">
          <Button onClick={() => setOpen(false)}>{t('cancel')}</Button>
          <Button look="danger" busy={end.busy} onClick={end.run}>
            {t(title)}
          </Button>
        </div>
      </Dialog>
    </div>
  );
}
