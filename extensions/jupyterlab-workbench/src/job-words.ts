/** Jobs in words: how one stands, what it does, how far it is, and what it printed. */

import type { TranslationBundle } from '@jupyterlab/translation';
import type { Job, JobState } from './replies-compute';
import { sayDay, sayMinutes, saySeconds } from './words';

/** A sign and a tone beside the word, so that a list can be read at a glance; never instead of it. */
export const SIGNS: Record<JobState, { sign: string; tone: 'calm' | 'good' | 'bad' | 'still' }> = {
  starting: { sign: '…', tone: 'calm' },
  running: { sign: '▸', tone: 'calm' },
  done: { sign: '✓', tone: 'good' },
  failed: { sign: '✕', tone: 'bad' },
  refused: { sign: '✕', tone: 'bad' },
  'out-of-memory': { sign: '!', tone: 'bad' },
  killed: { sign: '!', tone: 'bad' },
  cancelled: { sign: '–', tone: 'still' },
  lost: { sign: '?', tone: 'bad' }
};

/** What the workbench's own verbs have a job do. */
const KINDS: [string, (trans: TranslationBundle) => string][] = [
  ['workbench.compute.preprocessing:', trans => trans.__('prepares scans')],
  ['workbench.benchmark.train_job:', trans => trans.__('trains a network')],
  ['workbench.compute.infer_report:', trans => trans.__('applies a model')],
  ['workbench.compute.clusters.', trans => trans.__('holds a cluster')]
];
const KNOWN = ['done', 'total', 'text'];
const MOST_FIGURES = 3;
const MOST_MESSAGE = 400;
const MOST_LINES = 200;
const NOW_MS = 2000;
const HOUR_S = 3600;
const DAY_S = 24 * HOUR_S;
/** Colours and movements of a terminal: they begin with ESC and a bracket, and end with a letter. */
const TERMINAL = new RegExp(`${String.fromCharCode(27)}\\[[0-9;?]*[A-Za-z]`, 'g');

export function isUnderWay(job: Job): boolean {
  return job.state === 'starting' || job.state === 'running';
}

export function sayState(job: Job, trans: TranslationBundle): string {
  const words: Record<JobState, string> = {
    starting: trans.__('starting'),
    running: trans.__('running'),
    done: trans.__('done'),
    failed: trans.__('failed'),
    refused: trans.__('refused'),
    'out-of-memory': trans.__('out of memory'),
    killed: trans.__('killed'),
    cancelled: trans.__('cancelled'),
    lost: trans.__('lost')
  };
  return job.is_cancelling ? trans.__('ending') : words[job.state];
}

/** What a job does: in words for the workbench's own verbs, else its function or its command. */
export function sayKind(job: Job, trans: TranslationBundle): string {
  if (Array.isArray(job.work)) {
    return trans.__('command %1', job.work[0]?.split('/').pop() ?? '');
  }
  const { work } = job;
  return KINDS.find(([begin]) => work.startsWith(begin))?.[1](trans) ?? work;
}

/** When it began, or ended and how long it took: "started 3 min ago", "ended 2 min ago · took 40 s". */
export function sayTimes(job: Job, trans: TranslationBundle): string {
  const from = Date.parse(job.started ?? job.created);
  if (isUnderWay(job) || !job.ended) {
    // One that ended without a word has nobody who wrote down when.
    return trans.__('started %1', sayAgo(from, trans));
  }
  const to = Date.parse(job.ended);
  return [trans.__('ended %1', sayAgo(to, trans)), trans.__('took %1', sayLapse(to - from, trans))].join(' · ');
}

/** How far it is as the job says it, or nothing before its first word. */
export function readProgress(job: Job, trans: TranslationBundle): { share: number | null; said: string } | null {
  const { done, total, text } = job.progress ?? {};
  if (typeof done !== 'number' || typeof total !== 'number') {
    return null;
  }
  const figures = Object.entries(job.progress ?? {})
    .filter(([name, value]) => !KNOWN.includes(name) && typeof value === 'number')
    .slice(0, MOST_FIGURES)
    .map(([name, value]) => `${name}\u00a0${Number(Number(value).toPrecision(4))}`);
  const counted = total > 0 ? trans.__('%1 of %2', done, total) : '';
  const said = [[counted, typeof text === 'string' ? text : ''].filter(Boolean).join(' '), ...figures];
  return {
    share: total > 0 ? Math.min(1, Math.max(0, done / total)) : null,
    said: said.filter(Boolean).join(' · ')
  };
}

/** Why it ended; a long error goes on in the log. */
export function sayWhy(job: Job): string {
  const message = job.message ?? '';
  return message.length > MOST_MESSAGE ? `${message.slice(0, MOST_MESSAGE)}…` : message;
}

/** The last lines of a log as a terminal would leave them: without colours, and of a bar drawn over and over its last. */
export function lastLines(log: string): { text: string; isCut: boolean } {
  const lines = log
    .replace(TERMINAL, '')
    .trimEnd()
    .split('\n')
    .map(line => line.replace(/\r+$/, '').split('\r').pop() ?? '');
  return { text: lines.slice(-MOST_LINES).join('\n'), isCut: lines.length > MOST_LINES };
}

/** What a notebook runs to have the job's result. */
export function resultCode(job: Job): string {
  return `from workbench.compute.jobs import find_job\n\njob = find_job(${JSON.stringify(job.id)})\njob.result()`;
}

function sayAgo(moment: number, trans: TranslationBundle): string {
  const ago = Date.now() - moment;
  if (ago < NOW_MS) {
    return trans.__('just now');
  }
  return ago < DAY_S * 1000 ? trans.__('%1 ago', sayLapse(ago, trans)) : sayDay(new Date(moment).toISOString());
}

function sayLapse(ms: number, trans: TranslationBundle): string {
  const seconds = Math.round(ms / 1000);
  if (seconds < 1) {
    return trans.__('under 1 s');
  }
  return seconds < HOUR_S ? saySeconds(seconds).replace('.0', '') : sayMinutes(Math.floor(seconds / 60), trans);
}
