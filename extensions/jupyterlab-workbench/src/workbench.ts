/** What the browser knows of the workbench, kept fresh by one poll and shared by every panel. */

import { Poll } from '@lumino/polling';
import { Signal, type ISignal } from '@lumino/signaling';
import { Api } from './api';
import { decidedRequests, endedRuns, endedSubmissions, isWaiting } from './endings';
import { sentence } from './hooks';
import type { AccessRequest, Dataset, Me, Purpose, WaitingVersion } from './replies';
import type { Offer } from './replies-airlock';
import type { Submission, Task } from './replies-benchmark';
import type { Grant } from './replies-governance';
import type { Crate, ReportNotebook, Run } from './replies-reports';

/** Something fetched: its last good value, and why the last try failed. */
export interface Known<T> {
  value: T | null;
  problem: string | null;
}

const CALM_MS = 30_000;
/** While somebody waits for a decision the answer should appear as if by itself. */
const WAITING_MS = 2_000;
const DECIDER_MS = 10_000;
/** Whoever holds one of these reviews versions that wait, and reads the audit log. */
const REVIEWERS = ['custodian', 'checker', 'administrator'];
const CUSTODIANS = ['custodian', 'administrator'];

export class Workbench {
  readonly api = new Api();
  me: Known<Me> = { value: null, problem: null };
  datasets: Known<Dataset[]> = { value: null, problem: null };
  requests: Known<AccessRequest[]> = { value: null, problem: null };
  waiting: Known<WaitingVersion[]> = { value: null, problem: null };
  tasks: Known<Task[]> = { value: null, problem: null };
  purposes: Known<Purpose[]> = { value: null, problem: null };
  notebooks: Known<string[]> = { value: null, problem: null };
  offers: Known<Offer[]> = { value: null, problem: null };
  grantList: Known<Grant[]> = { value: null, problem: null };
  submissions: Known<Submission[]> = { value: null, problem: null };
  runs: Known<Run[]> = { value: null, problem: null };
  /** Looked up anew only when a run ended or somebody asked: both mean reading files of the workspace. */
  reports: Known<ReportNotebook[]> = { value: null, problem: null };
  crates: Known<Crate[]> = { value: null, problem: null };
  /** Counts what this person changed; what pages fetched themselves is asked again when it moves. */
  news = 0;

  /** Emitted when one of this person's runs, or submissions, came to its end. */
  readonly ended = new Signal<this, Run>(this);
  readonly scored = new Signal<this, Submission>(this);

  private readonly changedSignal = new Signal<this, void>(this);
  private readonly decidedSignal = new Signal<this, AccessRequest>(this);
  private workspaceIsNews = true;
  private readonly poll: Poll<void>;

  constructor() {
    this.poll = new Poll<void>({
      name: 'ai4h-workbench:state',
      auto: false,
      factory: () => this.fetch(),
      frequency: { interval: CALM_MS, backoff: true, max: 5 * CALM_MS },
      standby: 'when-hidden'
    });
  }

  /** Emitted when anything here is new. */
  get changed(): ISignal<this, void> {
    return this.changedSignal;
  }

  /** Emitted when one of this person's own requests was approved or refused. */
  get decided(): ISignal<this, AccessRequest> {
    return this.decidedSignal;
  }


  /** The runs that are under way. */
  get running(): Run[] {
    return (this.runs.value ?? []).filter(run => run.state === 'running');
  }

  /** The datasets this person reads under a grant, the one that ends first at the front. */
  get grants(): Dataset[] {
    const granted = (this.datasets.value ?? []).filter(dataset => dataset.status === 'granted');
    return granted.sort((a, b) => (a.until ?? '').localeCompare(b.until ?? ''));
  }

  /** Requests of other people that wait for this person's decision. */
  get pending(): AccessRequest[] {
    return (this.requests.value ?? []).filter(request => request.status === 'submitted' && request.may_decide === true);
  }

  /** Whether this person signs versions off and reads the audit log. */
  get reviews(): boolean {
    return this.has(REVIEWERS);
  }

  /** Whether this person decides on requests. */
  get isCustodian(): boolean {
    return this.has(CUSTODIANS);
  }

  /** The datasets whose terms this person sets. */
  get ownDatasets(): Dataset[] {
    const all = this.has(['administrator']);
    return (this.datasets.value ?? []).filter(dataset => this.isCustodian && (all || dataset.custodian === this.me.value?.person));
  }

  /** The running grants that this person gave and may take back. */
  get givenGrants(): Grant[] {
    return (this.grantList.value ?? []).filter(grant => grant.may_revoke && grant.person !== this.me.value?.person);
  }

  /** Offers that wait for this person: to be checked, or to be released or mended. */
  get dueOffers(): Offer[] {
    return (this.offers.value ?? []).filter(offer => offer.may.some(verb => verb === 'vote' || verb === 'release'));
  }

  offer(id: string): Offer | undefined {
    return this.offers.value?.find(offer => offer.id === id);
  }

  request(id: string): AccessRequest | undefined {
    return this.requests.value?.find(request => request.id === id);
  }

  waitingVersion(dataset: string, version: string): WaitingVersion | undefined {
    return this.waiting.value?.find(one => one.dataset === dataset && one.version === version);
  }

  dataset(name: string): Dataset | undefined {
    return this.datasets.value?.find(dataset => dataset.name === name);
  }

  run(id: string): Run | undefined {
    return this.runs.value?.find(run => run.run === id);
  }

  /** Changes when there may be news of a crate. */
  crateNews(path: string): string {
    return `${this.news} ${this.crates.value?.find(crate => crate.path === path)?.verdicts?.length ?? 0}`;
  }

  /** Changes when one of this person's submissions to a task did. */
  boardNews(task: string): string {
    return (this.submissions.value ?? []).filter(one => one.task === task && !isWaiting(one)).length.toString();
  }

  task(id: string): Task | undefined {
    return this.tasks.value?.find(task => task.task === id);
  }

  /** The shipped notebook that answers a task's question, if this release has one. */
  benchmarkNotebook(id: string): string | undefined {
    const wanted = this.task(id)?.notebook;
    return this.notebooks.value?.find(path => path === wanted);
  }

  /** A purpose as people say it. */
  purpose(id: string | null): string {
    return this.purposes.value?.find(one => one.id === id)?.label ?? id ?? '';
  }

  start(): void {
    void this.poll.start();
  }

  async refresh(): Promise<void> {
    this.workspaceIsNews = true;
    await this.poll.refresh();
    await this.poll.tick;
  }

  /** Change something at the server, then have all that is known anew. */
  async change(work: () => Promise<unknown>): Promise<void> {
    await work();
    this.news += 1;
    await this.refresh();
  }

  private async fetch(): Promise<void> {
    const [requests, runs, submissions] = [this.requests.value, this.runs.value, this.submissions.value];
    [
      this.me,
      this.datasets,
      this.requests,
      this.waiting,
      this.tasks,
      this.offers,
      this.grantList,
      this.submissions,
      this.runs,
      this.purposes,
      this.notebooks
    ] = await Promise.all([
      ask(this.me, () => this.api.me()),
      ask(this.datasets, () => this.api.datasets()),
      ask(this.requests, () => this.api.requests()),
      ask(this.waiting, () => this.api.waiting()),
      ask(this.tasks, () => this.api.benchmark.tasks()),
      ask(this.offers, () => this.api.offers()),
      ask(this.grantList, () => this.api.grants()),
      ask(this.submissions, () => this.api.benchmark.submissions()),
      ask(this.runs, () => this.api.reports.runs()),
      this.purposes.value ? this.purposes : ask(this.purposes, () => this.api.purposes()),
      this.notebooks.value ? this.notebooks : ask(this.notebooks, () => this.api.notebooks())
    ]);
    const over = endedRuns(runs, this.runs.value);
    if (this.workspaceIsNews || over.length > 0) {
      this.workspaceIsNews = false;
      [this.reports, this.crates] = await Promise.all([
        ask(this.reports, () => this.api.reports.notebooks()),
        ask(this.crates, () => this.api.reports.crates())
      ]);
    }
    this.hurryWhileWaiting();
    this.changedSignal.emit();
    for (const request of decidedRequests(requests, this.requests.value, this.me.value?.person)) {
      this.decidedSignal.emit(request);
    }
    for (const run of over) {
      this.ended.emit(run);
    }
    for (const submission of endedSubmissions(submissions, this.submissions.value)) {
      this.scored.emit(submission);
    }
  }

  private has(roles: string[]): boolean {
    return this.me.value?.roles.some(role => roles.includes(role)) ?? false;
  }

  private hurryWhileWaiting(): void {
    const asked = this.datasets.value?.some(dataset => dataset.status === 'submitted') ?? false;
    const waiting = asked || this.running.length > 0 || (this.submissions.value?.some(isWaiting) ?? false);
    const interval = waiting ? WAITING_MS : this.reviews ? DECIDER_MS : CALM_MS;
    if (this.poll.frequency.interval !== interval) {
      this.poll.frequency = { ...this.poll.frequency, interval };
    }
  }
}

async function ask<T>(last: Known<T>, fetch: () => Promise<T>): Promise<Known<T>> {
  try {
    return { value: await fetch(), problem: null };
  } catch (error) {
    return { value: last.value, problem: sentence(error) };
  }
}
