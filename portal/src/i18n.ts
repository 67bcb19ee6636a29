import english from './locales/en.json';

/** The languages, in their own words. */
export const LANGUAGES = {
  en: 'English',
  de: 'Deutsch',
  es: 'Español',
  fr: 'Français',
  ja: '日本語',
  'pt-BR': 'Português (Brasil)',
} as const;
export type Language = keyof typeof LANGUAGES;
export type Key = keyof typeof english;
type Catalogue = Record<Key, string>;

// English is part of the first load; another language is one more file.
const CATALOGUES: Record<Exclude<Language, 'en'>, () => Promise<{ default: Catalogue }>> = {
  de: () => import('./locales/de.json'),
  es: () => import('./locales/es.json'),
  fr: () => import('./locales/fr.json'),
  ja: () => import('./locales/ja.json'),
  'pt-BR': () => import('./locales/pt-BR.json'),
};

let catalogue: Catalogue = english;
let language: Language = 'en';

/** The language that comes closest to the first of the wishes that has one. */
export function closest(wishes: readonly (string | null | undefined)[]): Language {
  const known = Object.keys(LANGUAGES) as Language[];
  for (const wish of wishes) {
    const wanted = wish?.toLowerCase();
    const found =
      known.find((one) => one.toLowerCase() === wanted) ??
      known.find((one) => wanted && one.toLowerCase().split('-')[0] === wanted.split('-')[0]);
    if (found) return found;
  }
  return 'en';
}

/** Speak a language from now on. */
export async function speak(wanted: Language): Promise<void> {
  catalogue = wanted === 'en' ? english : (await CATALOGUES[wanted]()).default;
  language = wanted;
  document.documentElement.lang = wanted;
}

export function spoken(): Language {
  return language;
}

/** A text of the catalogue with values in place of its `{names}`. */
export function t(key: Key, values: Record<string, string | number> = {}): string {
  return catalogue[key].replace(/\{(\w+)\}/g, (whole, name: string) => {
    const value = values[name];
    return value === undefined ? whole : typeof value === 'number' ? number(value) : value;
  });
}

/** The text of a key that only the data knows, such as that of a state; `otherwise` where there is none. */
export function label(family: string, name: string, otherwise: string = name): string {
  return (catalogue as Record<string, string>)[`${family}.${name}`] ?? otherwise;
}

/** The text for a count: `<key>_one`, `<key>_other` and so on, by the plural rules of the language. */
export function counted(key: string, count: number, values: Record<string, string | number> = {}): string {
  const form = new Intl.PluralRules(language).select(count);
  const keys = catalogue as Record<string, string>;
  return t((`${key}_${form}` in keys ? `${key}_${form}` : `${key}_other`) as Key, { count, ...values });
}

export function number(value: number, options: Intl.NumberFormatOptions = {}): string {
  return new Intl.NumberFormat(language, options).format(value);
}

export function percent(share: number): string {
  // 99.96 % must not read as 100 %.
  const digits = share > 0.99 && share < 1 ? 2 : share > 0 && share < 0.01 ? 2 : 1;
  return new Intl.NumberFormat(language, {
    style: 'percent',
    maximumFractionDigits: digits,
    roundingMode: 'trunc',
  } as Intl.NumberFormatOptions).format(share);
}

export function milliseconds(ms: number): string {
  return ms < 10_000
    ? number(ms, { style: 'unit', unit: 'millisecond', unitDisplay: 'short' })
    : number(ms / 1000, { style: 'unit', unit: 'second', unitDisplay: 'short', maximumFractionDigits: 1 });
}

/** A wait in the largest unit that fits. */
export function wait(seconds: number): string {
  const [value, unit] =
    seconds < 120
      ? [seconds, 'second']
      : seconds < 7200
        ? [seconds / 60, 'minute']
        : seconds < 172_800
          ? [seconds / 3600, 'hour']
          : [seconds / 86_400, 'day'];
  return number(value, { style: 'unit', unit, unitDisplay: 'short', maximumFractionDigits: 1 });
}

/** A time where the reader is. */
export function localTime(iso: string, style: Intl.DateTimeFormatOptions = { dateStyle: 'medium', timeStyle: 'medium' }) {
  return new Intl.DateTimeFormat(language, style).format(new Date(iso));
}

/** A time in UTC, for what stands in logs. */
export function utcTime(iso: string): string {
  return `${new Date(iso).toISOString().replace('T', ' ').replace(/\.000Z|Z$/, '')} UTC`;
}
