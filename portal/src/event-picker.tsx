import type { JSX } from 'preact';
import { useId, useState } from 'preact/hooks';
import { useSession } from './context';
import { useData } from './data';
import { t } from './i18n';
import { Icon } from './icons';
import { Button } from './ui';

interface Props {
  value: readonly string[];
  onChange: (events: string[]) => void;
  wrong?: string | undefined;
}

/** The events of a webhook: every one, or names and families, which the catalogue of event types suggests. */
export function EventPicker({ value, onChange, wrong }: Props): JSX.Element {
  const { client } = useSession();
  const types = useData('event types', (signal) => client.events.listTypes({ limit: 100 }, { signal }).all());
  const [typed, type] = useState('');
  const id = useId();
  const every = value.length === 1 && value[0] === '*';
  const suggested = (types.data ?? []).filter(({ name }) => !value.includes(name)).slice(0, 12);
  const add = (name: string) => {
    if (name && !value.includes(name)) onChange([...value.filter((one) => one !== '*'), name]);
    type('');
  };
  return (
    <fieldset class="field" aria-describedby={wrong && `${id}w`}>
      <legend>{t('events.which')}</legend>
      <label class="check">
        <input type="radio" name={id} checked={every} onChange={() => onChange(['*'])} />
        {t('events.every')}
      </label>
      <label class="check">
        <input type="radio" name={id} checked={!every} onChange={() => onChange([])} />
        {t('events.some')}
      </label>
      {!every && (
        <div class="stack tight">
          <div class="chips">
            {value.map((name) => (
              <span class="chip" key={name}>
                {name}
                <button type="button" aria-label={t('removeThis', { name })} onClick={() => onChange(value.filter((one) => one !== name))}>
                  <Icon name="close" />
                </button>
              </span>
            ))}
          </div>
          <div class="row" style={{ flexWrap: 'nowrap' }}>
            <input
              id={id}
              value={typed}
              aria-label={t('events.name')}
              placeholder="order.created, order.*"
              spellcheck={false}
              onInput={(event) => type(event.currentTarget.value.trim())}
              onKeyDown={(event) => {
                if (event.key !== 'Enter' || !typed) return;
                event.preventDefault();
                add(typed);
              }}
            />
            <Button onClick={() => add(typed)} disabled={!typed}>
              {t('add')}
            </Button>
          </div>
          {suggested.length > 0 && (
            <div class="chips" aria-label={t('events.suggested')} role="group">
              {suggested.map(({ name, description }) => (
                <button key={name} type="button" class="quiet small mono" title={description} onClick={() => add(name)}>
                  + {name}
                </button>
              ))}
            </div>
          )}
          <span class="hint">{t('events.hint')}</span>
        </div>
      )}
      {wrong && (
        <span class="wrong" id={`${id}w`} role="alert">
          {wrong}
        </span>
      )}
    </fieldset>
  );
}
