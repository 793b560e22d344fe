/** Dates, counts and standings as a person would say them. */

import type { TranslationBundle } from '@jupyterlab/translation';
import type { Dataset } from './replies';

const DAY_MS = 86_400_000;

/** A date as "21 Dec 2026" in the reader's own language. */
export function sayDay(iso: string | null): string {
  if (!iso) {
    return '—';
  }
  const day = new Date(iso);
  return Number.isNaN(day.getTime())
    ? iso
    : day.toLocaleDateString(undefined, { day: 'numeric', month: 'short', year: 'numeric' });
}

/** Whole days left until a moment, never below zero. */
export function daysLeft(until: string | null): number {
  return until ? Math.max(0, Math.ceil((new Date(until).getTime() - Date.now()) / DAY_MS)) : 0;
}

export function sayDaysLeft(until: string | null, trans: TranslationBundle): string {
  return trans._n('%1 day left', '%1 days left', daysLeft(until), daysLeft(until));
}

/** How big a dataset is: "24 scans · 24 people · CT". */
export function saySize(dataset: Dataset, trans: TranslationBundle): string {
  const { scans: count, subjects } = dataset;
  const scans = count === null ? '' : trans._n('%1 scan', '%1 scans', count, count);
  const people = subjects === null ? '' : trans._n('%1 person', '%1 people', subjects, subjects);
  return [scans, people, dataset.modality].filter(Boolean).join(' · ');
}

/** Where this person stands with a dataset, in a few words; the full reason is `dataset.reason`. */
export function sayStanding(dataset: Dataset, trans: TranslationBundle): string {
  switch (dataset.status) {
    case 'open':
      return trans.__('Open to you');
    case 'granted':
      return trans.__('Granted · %1', sayDaysLeft(dataset.until, trans));
    case 'submitted':
      return trans.__('Waiting for the custodian');
    case 'refused':
      return trans.__('Refused');
    case 'ended':
      return trans.__('Your grant has ended');
    case 'undisclosed':
      return trans.__('Only for scoring');
    case 'none':
      return trans.__('Needs a grant');
  }
}

/** A length of time as "5 min" or "2 h 10 min". */
export function sayMinutes(minutes: number, trans: TranslationBundle): string {
  return minutes < 60 ? trans.__('%1 min', minutes) : trans.__('%1 h %2 min', Math.floor(minutes / 60), minutes % 60);
}

/** A version id short enough to read out. */
export function sayVersion(version: string | null): string {
  return version ? version.slice(0, 10) : '—';
}

/** A size as "12 kB". */
export function sayBytes(bytes: number): string {
  const units = ['B', 'kB', 'MB', 'GB'];
  const power = Math.min(units.length - 1, Math.floor(Math.log10(Math.max(bytes, 1)) / 3));
  return `${(bytes / 1000 ** power).toLocaleString(undefined, { maximumFractionDigits: power ? 1 : 0 })} ${units[power] ?? ''}`;
}

/** A moment as "21 Dec 2026, 14:03:07". */
export function sayMoment(iso: string): string {
  const moment = new Date(iso);
  return Number.isNaN(moment.getTime()) ? iso : moment.toLocaleString(undefined, { dateStyle: 'medium', timeStyle: 'medium' });
}

/** A number with as many digits as tell it apart, and no more than ten. */
export function sayNumber(value: number | null | undefined): string {
  return value === null || value === undefined ? '—' : String(Number(value.toPrecision(10)));
}

/** A measured number with the digits that it came with, and at most four decimals. */
export function sayScore(value: number): string {
  return String(Number(value.toFixed(4)));
}

/** An interval as "0.73 – 0.881". */
export function sayInterval(interval: readonly [number, number] | null | undefined): string {
  return interval ? `${sayScore(interval[0])} – ${sayScore(interval[1])}` : '—';
}

/** A duration as "3 min 20 s". */
export function saySeconds(seconds: number): string {
  if (seconds < 10) {
    return `${seconds.toFixed(1)} s`;
  }
  const whole = Math.round(seconds);
  return whole < 60 ? `${whole} s` : `${Math.floor(whole / 60)} min ${whole % 60} s`;
}
