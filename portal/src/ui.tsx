import type { ComponentChildren, JSX } from 'preact';
import { useEffect, useId, useRef, useState } from 'preact/hooks';
import { ApiError } from '../../clients/typescript/src/errors';
import { label, localTime, t, utcTime } from './i18n';
import { Icon, type IconName } from './icons';
import { A, hasMoved } from './router';

type Children = { children?: ComponentChildren };
export type Tone = 'good' | 'bad' | 'warn' | 'info' | '';

interface PageProps extends Children {
  title: string;
  /** Text below the title. */
  about?: ComponentChildren;
  /** The pages above: their names and addresses. */
  above?: [string, string][];
  actions?: ComponentChildren;
}

/** A page: its title goes to the browser and, after a move, gets the focus, so that screen readers begin there. */
export function Page({ title, about, above = [], actions, children }: PageProps): JSX.Element {
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    document.title = title;
  }, [title]);
  useEffect(() => {
    if (hasMoved()) heading.current?.focus({ preventScroll: true });
  }, []);
  return (
    <>
      <div class="head">
        <div>
          {above.length > 0 && (
            <nav aria-label={t('breadcrumb')}>
              <ol class="crumbs">
                {above.map(([name, to]) => (
                  <li key={to}>
                    <A to={to}>{name}</A>
                  </li>
                ))}
              </ol>
            </nav>
          )}
          <h1 ref={heading} tabIndex={-1}>
            {title}
          </h1>
          {about && <div class="muted break">{about}</div>}
        </div>
        {actions && <div class="row">{actions}</div>}
      </div>
      {children}
    </>
  );
}

export function Badge({ tone, children }: Children & { tone: Tone }): JSX.Element {
  return <span class={`badge ${tone}`}>{children}</span>;
}

/** A time where the reader is; in UTC for the pointer and for screen readers on demand. */
export function Time({ at, short = false }: { at: string; short?: boolean }): JSX.Element {
  const style: Intl.DateTimeFormatOptions = short
    ? { month: 'short', day: 'numeric', hour: '2-digit', minute: '2-digit', second: '2-digit' }
    : { dateStyle: 'medium', timeStyle: 'medium' };
  return (
    <time dateTime={at} title={utcTime(at)} class="nowrap">
      {localTime(at, style)}
    </time>
  );
}

/** The first letter of a name in a tile: no picture of another host is ever loaded. */
export function Tile({ name }: { name: string }): JSX.Element {
  return (
    <span class="tile" aria-hidden="true">
      {[...name.trim()][0]?.toUpperCase() ?? '·'}
    </span>
  );
}

interface EmptyProps extends Children {
  icon: IconName;
  title: string;
  action?: ComponentChildren;
  /** Whether it stands in place of a whole page. */
  whole?: boolean;
}

export function Empty({ icon, title, children, action, whole = false }: EmptyProps): JSX.Element {
  return (
    <div class="empty">
      <Icon name={icon} />
      {whole ? <h1>{title}</h1> : <h2>{title}</h2>}
      {children && <p>{children}</p>}
      {action}
    </div>
  );
}

/** Rows that keep the place of what is being read. */
export function Bones({ rows = 4 }: { rows?: number }): JSX.Element {
  return (
    <div class="card" role="status" aria-label={t('loading')}>
      {Array.from({ length: rows }, (_, row) => (
        <span class="bone" key={row} style={{ inlineSize: `${90 - ((row * 17) % 45)}%` }} />
      ))}
    </div>
  );
}

export function Notice({ tone, title, children }: Children & { tone: Tone; title?: string | undefined }): JSX.Element {
  return (
    <div class={`notice ${tone}`}>
      {title && <strong>{title}</strong>}
      {children}
    </div>
  );
}

/** The sentence of an error, whatever it is. */
export function sentence(error: unknown): string {
  if (error instanceof ApiError) return label('error', error.code, error.message);
  return t('error.unreachable');
}

/** An error in place of what could not be read or done: what happened, what to do, and where it can be looked up. */
export function Failed({ error, retry }: { error: unknown; retry?: () => void }): JSX.Element | null {
  if (!error) return null;
  const said = error instanceof ApiError ? error : undefined;
  if (said?.status === 403) {
    return (
      <div class="card">
        <Empty whole icon="lock" title={t('forbidden.title')}>
          {t('forbidden.text')}
        </Empty>
      </div>
    );
  }
  if (said?.status === 404) {
    return (
      <div class="card">
        <Empty whole icon="search" title={t('missing.title')} action={<A to="webhooks" class="button">{t('missing.home')}</A>}>
          {t('missing.text')}
        </Empty>
      </div>
    );
  }
  return (
    <div class="notice bad" role="alert">
      <strong>{sentence(error)}</strong>
      {said?.nextStep && <span>{said.nextStep}</span>}
      {said && said.details.length > 1 && (
        <ul>
          {said.details.map((detail) => (
            <li key={detail.field + detail.message}>
              <code>{detail.field}</code> {detail.message}
            </li>
          ))}
        </ul>
      )}
      {(retry || said?.requestId) && (
        <div class="row between">
          {said?.requestId && (
            <span class="small muted">
              {t('request')} <code>{said.requestId}</code>
            </span>
          )}
          {retry && (
            <button type="button" onClick={retry}>
              {t('retry')}
            </button>
          )}
        </div>
      )}
    </div>
  );
}

/** What the API says of one field of a body; undefined where it says nothing. */
export function wrong(error: unknown, field: string): string | undefined {
  if (!(error instanceof ApiError)) return undefined;
  return error.details.find((one) => one.field === `body.${field}` || one.field.startsWith(`body.${field}.`))?.message;
}

interface FieldProps {
  label: string;
  hint?: ComponentChildren;
  wrong?: string | undefined;
  /** Given what ties the control to its label and its hints. */
  children: (given: { id: string; 'aria-describedby'?: string; 'aria-invalid'?: 'true' }) => ComponentChildren;
}

export function Field({ label, hint, wrong, children }: FieldProps): JSX.Element {
  const id = useId();
  const notes = [hint && `${id}h`, wrong && `${id}w`].filter(Boolean).join(' ');
  return (
    <div class="field">
      <label for={id}>{label}</label>
      {children({ id, ...(notes && { 'aria-describedby': notes }), ...(wrong && { 'aria-invalid': 'true' }) })}
      {hint && (
        <span class="hint" id={`${id}h`}>
          {hint}
        </span>
      )}
      {wrong && (
        <span class="wrong" id={`${id}w`} role="alert">
          {wrong}
        </span>
      )}
    </div>
  );
}

interface ButtonProps extends Children {
  onClick?: () => void;
  busy?: boolean;
  disabled?: boolean;
  look?: 'main-action' | 'danger' | 'quiet';
  type?: 'submit' | 'button';
  icon?: IconName;
}

export function Button({ busy = false, disabled = false, look, type = 'button', icon, onClick, children }: ButtonProps) {
  return (
    <button type={type} class={look} aria-busy={busy} disabled={busy || disabled} onClick={onClick}>
      {icon && <Icon name={icon} />}
      {children}
    </button>
  );
}

export function Copy({ text, children }: Children & { text: string }): JSX.Element {
  const [copied, set] = useState(false);
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(text);
    } catch {
      copyBySelection(text); // In a frame without permission, or over plain http.
    }
    set(true);
    announce(t('copied'));
    setTimeout(() => set(false), 2000);
  };
  return (
    <button type="button" class="quiet" onClick={() => void copy()}>
      <Icon name={copied ? 'check' : 'copy'} />
      {children ?? t('copy')}
    </button>
  );
}

function copyBySelection(text: string): void {
  const area = document.createElement('textarea');
  area.value = text;
  document.body.append(area);
  area.select();
  document.execCommand('copy');
  area.remove();
}

/** A text as it is, to be read and copied. */
export function Code({ label, text }: { label: string; text: string }): JSX.Element {
  return (
    <div class="code">
      <div class="top">
        <span>{label}</span>
        <Copy text={text} />
      </div>
      <pre tabIndex={0}>{text}</pre>
    </div>
  );
}

export function Pairs({ of }: { of: Record<string, string> }): JSX.Element {
  return (
    <dl class="pairs">
      {Object.entries(of).map(([name, value]) => (
        <>
          <dt key={name}>{name}</dt>
          <dd>{value}</dd>
        </>
      ))}
    </dl>
  );
}

interface ConfirmProps extends Children {
  title: string;
  open: boolean;
  onClose: () => void;
}

/** A modal dialog: the browser keeps the focus inside and closes it by Escape. */
export function Dialog({ title, open, onClose, children }: ConfirmProps): JSX.Element {
  const dialog = useRef<HTMLDialogElement>(null);
  const id = useId();
  useEffect(() => {
    if (open) dialog.current?.showModal();
    else dialog.current?.close();
  }, [open]);
  return (
    <dialog ref={dialog} aria-labelledby={id} onClose={onClose}>
      {open && (
        <div class="stack">
          <h2 id={id}>{title}</h2>
          {children}
        </div>
      )}
    </dialog>
  );
}

/** Say something to screen readers. */
export function announce(text: string): void {
  const place = document.getElementById('said');
  if (!place) return;
  place.textContent = '';
  setTimeout(() => {
    place.textContent = text;
  }, 50);
}

/** Under a list: more of it, or why there is none. */
export function More({ hasMore, loading, more }: { hasMore: boolean; loading: boolean; more: () => void }) {
  if (!hasMore) return null;
  return (
    <div class="row" style={{ justifyContent: 'center' }}>
      <Button onClick={more} busy={loading}>
        {t(loading ? 'loading' : 'more')}
      </Button>
    </div>
  );
}

export function Tabs({ now, of, name }: { now: string; of: [string, string][]; name: string }): JSX.Element {
  return (
    <nav class="tabs" aria-label={name}>
      {of.map(([text, to]) => (
        <A key={to} to={to} aria-current={to === now ? 'page' : undefined}>
          {text}
        </A>
      ))}
    </nav>
  );
}

/** JSON as people read it. */
export function pretty(value: unknown): string {
  return JSON.stringify(value, null, 2);
}
