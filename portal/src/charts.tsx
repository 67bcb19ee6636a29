import type { JSX } from 'preact';
import type { StatsHour } from '../../clients/typescript/src/models';
import { localTime, milliseconds, number, t } from './i18n';

const HOUR = 3_600_000;
const HEIGHT = 100;

/** The attempts of some hours together. */
export interface Slot {
  from: number;
  to: number;
  good: number;
  bad: number;
  p50?: number;
  p95?: number;
}

/** The last `hours` hours in slots of `each` hours, those without an attempt too. */
export function slots(stats: readonly StatsHour[], hours: number, each: number, now = Date.now()): Slot[] {
  const end = (Math.floor(now / HOUR) + 1) * HOUR;
  return Array.from({ length: hours / each }, (_, index): Slot => {
    const from = end - (hours - index * each) * HOUR;
    const to = from + each * HOUR;
    const inside = stats.filter((hour) => Date.parse(hour.from) >= from && Date.parse(hour.from) < to);
    const durations = inside.flatMap((hour) => hour.durations ?? []);
    return {
      from,
      to,
      good: inside.reduce((sum, hour) => sum + hour.attempts - hour.failed, 0),
      bad: inside.reduce((sum, hour) => sum + hour.failed, 0),
      // Quantiles of several hours cannot be added: the slowest hour stands for the slot.
      ...(durations.length && {
        p50: Math.max(...durations.map((one) => one.p50)),
        p95: Math.max(...durations.map((one) => one.p95)),
      }),
    };
  });
}

function when(slot: Slot): string {
  const style: Intl.DateTimeFormatOptions = { weekday: 'short', hour: '2-digit', minute: '2-digit' };
  return localTime(new Date(slot.from).toISOString(), style);
}

function Axis({ of }: { of: Slot[] }): JSX.Element {
  const first = of[0];
  return (
    <div class="axis">
      <span>{first && when(first)}</span>
      <span>{t('chart.now')}</span>
    </div>
  );
}

function Grid(): JSX.Element {
  return (
    <>
      {[0, 50, 100].map((y) => (
        <line key={y} class="grid" x1="0" x2="100%" y1={y} y2={y} />
      ))}
    </>
  );
}

/** Attempts that succeeded and failed, as stacked bars. */
export function AttemptsChart({ of }: { of: Slot[] }): JSX.Element {
  const highest = Math.max(1, ...of.map((slot) => slot.good + slot.bad));
  const width = 100 / of.length;
  const total = of.reduce((sum, slot) => ({ good: sum.good + slot.good, bad: sum.bad + slot.bad }), { good: 0, bad: 0 });
  return (
    <figure class="chart">
      <div class="row between">
        <h3>{t('chart.attempts')}</h3>
        <span class="legend">
          <span>
            <i class="ok" />
            {t('chart.good')}
          </span>
          <span>
            <i class="no" />
            {t('chart.bad')}
          </span>
        </span>
      </div>
      <svg
        viewBox={`0 0 100 ${HEIGHT}`}
        preserveAspectRatio="none"
        role="img"
        aria-label={t('chart.attemptsLabel', { good: total.good, bad: total.bad, most: highest })}
      >
        <Grid />
        {of.map((slot, index) => {
          const bad = (slot.bad / highest) * HEIGHT;
          const good = (slot.good / highest) * HEIGHT;
          const place = { x: index * width + width * 0.12, width: width * 0.76 };
          return (
            <g key={slot.from}>
              <title>{`${when(slot)}: ${number(slot.good)} / ${number(slot.bad)}`}</title>
              <rect x={index * width} width={width} y="0" height={HEIGHT} fill="transparent" />
              <rect class="fill-good" {...place} y={HEIGHT - bad - good} height={good} />
              <rect class="fill-bad" {...place} y={HEIGHT - bad} height={bad} />
            </g>
          );
        })}
      </svg>
      <Axis of={of} />
    </figure>
  );
}

/** How long attempts took: the middle and the slow end. */
export function LatencyChart({ of }: { of: Slot[] }): JSX.Element {
  const highest = Math.max(1, ...of.flatMap((slot) => slot.p95 ?? []));
  const line = (pick: (slot: Slot) => number | undefined): string => {
    let path = '';
    let pen = 'M';
    of.forEach((slot, index) => {
      const value = pick(slot);
      if (value === undefined) {
        pen = 'M';
        return;
      }
      const [x, y] = [((index + 0.5) / of.length) * 100, HEIGHT - (value / highest) * HEIGHT];
      // A slot between two without attempts is a dot, which a line of no length draws.
      path += pen === 'M' ? `M${x} ${y}h.01` : `L${x} ${y}`;
      pen = 'L';
    });
    return path;
  };
  return (
    <figure class="chart">
      <div class="row between">
        <h3>{t('chart.latency')}</h3>
        <span class="legend">
          <span>
            <i class="a" />
            p50
          </span>
          <span>
            <i class="b" />
            p95
          </span>
          <span>{t('chart.upTo', { most: milliseconds(highest) })}</span>
        </span>
      </div>
      <svg
        viewBox={`0 0 100 ${HEIGHT}`}
        preserveAspectRatio="none"
        role="img"
        aria-label={t('chart.latencyLabel', { most: milliseconds(highest) })}
      >
        <Grid />
        <path class="line stroke-a" d={line((slot) => slot.p50)} />
        <path class="line stroke-b" d={line((slot) => slot.p95)} />
      </svg>
      <Axis of={of} />
    </figure>
  );
}

/** A day of attempts in a cell of a table. */
export function Spark({ of }: { of: Slot[] }): JSX.Element {
  const highest = Math.max(1, ...of.map((slot) => slot.good + slot.bad));
  const [good, bad] = [of.reduce((sum, one) => sum + one.good, 0), of.reduce((sum, one) => sum + one.bad, 0)];
  return (
    <svg
      class="spark"
      viewBox="0 0 96 26"
      role="img"
      aria-label={t('chart.attemptsLabel', { good, bad, most: highest })}
    >
      {of.map((slot, index) => {
        const [b, g] = [(slot.bad / highest) * 25, (slot.good / highest) * 25];
        return (
          <g key={slot.from}>
            <rect x={index * 4} y="25" width="3" height="1" fill="var(--line-strong)" opacity=".5" />
            <rect class="fill-good" x={index * 4} y={25 - b - g} width="3" height={g} />
            <rect class="fill-bad" x={index * 4} y={25 - b} width="3" height={b} />
          </g>
        );
      })}
    </svg>
  );
}

/** Counts by name, the largest first, each with a bar. */
export function Bars({ of, name }: { of: Record<string, number>; name: (key: string) => JSX.Element | string }) {
  const entries = Object.entries(of).sort(([, a], [, b]) => b - a);
  const highest = Math.max(1, ...entries.map(([, count]) => count));
  return (
    <ul class="bars">
      {entries.map(([key, count]) => (
        <li key={key}>
          <span class="break">{name(key)}</span>
          <span class="track" aria-hidden="true">
            <span style={{ inlineSize: `${(count / highest) * 100}%` }} />
          </span>
          <span class="num">{number(count)}</span>
        </li>
      ))}
    </ul>
  );
}
