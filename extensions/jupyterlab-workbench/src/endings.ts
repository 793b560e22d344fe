/** What came to an end between two looks at the server: decisions, runs, submissions. */

import type { AccessRequest } from './replies';
import type { Submission } from './replies-benchmark';
import type { Run } from './replies-reports';

/** The things that were under way at the last look and are not any more; nothing at the first look. */
function ended<T>(before: T[] | null, after: T[] | null, name: (thing: T) => string, isUnderWay: (thing: T) => boolean): T[] {
  const waited = new Set(before?.filter(isUnderWay).map(name));
  return (after ?? []).filter(thing => waited.has(name(thing)) && !isUnderWay(thing));
}

export function decidedRequests(before: AccessRequest[] | null, after: AccessRequest[] | null, person?: string): AccessRequest[] {
  return ended(before, after, request => request.id, request => request.status === 'submitted').filter(
    request => (request.status === 'granted' || request.status === 'refused') && request.person === person
  );
}

export function endedRuns(before: Run[] | null, after: Run[] | null): Run[] {
  return ended(before, after, run => run.run, run => run.state === 'running').filter(run => run.state !== 'cancelled');
}

export function isWaiting(submission: Submission): boolean {
  return submission.state === 'queued' || submission.state === 'running';
}

export function endedSubmissions(before: Submission[] | null, after: Submission[] | null): Submission[] {
  return ended(before, after, one => one.submission, isWaiting).filter(one => one.state !== 'withdrawn');
}
