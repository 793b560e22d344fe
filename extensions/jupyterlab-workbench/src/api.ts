/** The only file that talks to the server; the session cookie is all the browser ever holds. */

import { ServerConnection } from '@jupyterlab/services';
import { BenchmarkApi } from './api-benchmark';
import { ComputeApi } from './api-compute';
import { ReportsApi } from './api-reports';
import { asQuery, at, type Body, type Line } from './paths';
import type {
  AccessRequest,
  Dataset,
  DatasetCard,
  Me,
  Purpose,
  Refusal,
  ShippedNotebook,
  WaitingVersion
} from './replies';
import type { Offer, OfferForm, Preview, Scan, Vote, WorkspaceFile } from './replies-airlock';
import type {
  Agreement,
  AuditEvent,
  AuditFilter,
  AuditVerdict,
  DatasetChecklist,
  Explanation,
  Facts,
  Grant,
  Packages,
  Policy,
  PolicyCheck,
  Project,
  Training,
  TrustedVisa,
  Usage,
  Visa
} from './replies-governance';

/** What the server refused or could not do, in its own sentence. */
export class ApiError extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
    /** What is wrong with each field of a form, by its name. */
    readonly fields: Record<string, string> = {}
  ) {
    super(message);
  }
}

export interface RequestForm {
  purpose: string;
  days: number;
  note: string;
  attestations: Facts;
}

export class Api implements Line {
  readonly reports = new ReportsApi(this);
  readonly benchmark = new BenchmarkApi(this);
  readonly compute = new ComputeApi(this);
  private readonly settings = ServerConnection.makeSettings();

  // People, datasets and requests

  /** Where a person chooses whom to sign in as (demo homes only). */
  signInUrl = (): string => `${this.settings.baseUrl}workbench/sign-in`;

  me = (): Promise<Me> => this.get('me');
  datasets = async (): Promise<Dataset[]> => (await this.get<{ datasets: Dataset[] }>('datasets')).datasets;
  dataset = (name: string): Promise<DatasetCard> => this.get(at`datasets/${name}`);
  requests = async (): Promise<AccessRequest[]> => (await this.get<{ requests: AccessRequest[] }>('requests')).requests;
  purposes = async (): Promise<Purpose[]> => {
    const reply = await this.get<Purpose[] | { purposes: Purpose[] }>('purposes');
    return Array.isArray(reply) ? reply : reply.purposes;
  };

  requestAccess = (dataset: string, form: RequestForm): Promise<AccessRequest> =>
    this.post(at`datasets/${dataset}/requests`, { ...form });
  approve = (request: string, days: number, reason: string): Promise<AccessRequest> =>
    this.post(at`requests/${request}/approve`, { days, reason });
  refuse = (request: string, reason: string): Promise<AccessRequest> => this.post(at`requests/${request}/refuse`, { reason });
  grants = async (): Promise<Grant[]> => (await this.get<{ grants: Grant[] }>('grants')).grants;
  revoke = (grant: string, reason: string): Promise<unknown> => this.post(at`grants/${grant}/revoke`, { reason });

  // What a dataset asks for, and what a person holds

  checklist = (dataset: string, purpose: string, facts: Facts = {}): Promise<DatasetChecklist> => {
    const declared = Object.keys(facts).length ? JSON.stringify(facts) : '';
    return this.get(at`datasets/${dataset}/checklist` + asQuery({ purpose, facts: declared }));
  };
  agreement = (dataset: string): Promise<Partial<Agreement>> => this.get(at`datasets/${dataset}/agreement`);
  setAgreement = (dataset: string, title: string, text: string): Promise<unknown> =>
    this.post(at`datasets/${dataset}/agreement`, { title, text });
  acceptAgreement = (dataset: string, version: number): Promise<unknown> =>
    this.post(at`datasets/${dataset}/agreement/accept`, { version });
  usage = (dataset: string): Promise<Usage> => this.get(at`datasets/${dataset}/usage`);
  setUsage = (dataset: string, usage: Body): Promise<unknown> => this.post(at`datasets/${dataset}/usage`, usage);
  policy = (dataset: string): Promise<Policy> => this.get(at`datasets/${dataset}/policy`);
  setPolicy = (dataset: string, text: string): Promise<Policy> => this.post(at`datasets/${dataset}/policy`, { text });
  checkPolicy = (dataset: string, text: string): Promise<PolicyCheck> => this.post(at`datasets/${dataset}/policy`, { text, check: true });
  explain = (question: Record<'person' | 'action' | 'dataset' | 'purpose', string>): Promise<Explanation> =>
    this.get('explain' + asQuery(question));
  training = async (): Promise<Training[]> => (await this.get<{ training: Training[] }>('training')).training;
  recordTraining = (form: Body): Promise<unknown> => this.post('training', form);
  endTraining = (record: string): Promise<unknown> => this.post(at`training/${record}/end`, {});
  visas = (): Promise<{ visas: Visa[]; trusted: TrustedVisa[] }> => this.get('visas');
  sendVisa = (visa: string): Promise<unknown> => this.post('visas', { visa });
  trustVisas = (form: Body): Promise<unknown> => this.post('visas/trusted', form);
  untrustVisas = (trusted: string): Promise<unknown> => this.post(at`visas/trusted/${trusted}/end`, {});
  linkIdentity = (form: Body): Promise<unknown> => this.post('visas/identities', form);
  projects = async (): Promise<Project[]> => (await this.get<{ projects: Project[] }>('projects')).projects;
  setProject = (form: Body): Promise<unknown> => this.post('projects', form);

  // Packages of governed kernels

  packages = (): Promise<Packages> => this.get('packages');
  askPackages = (names: string[], reason: string): Promise<unknown> => this.post('packages', { names, reason });
  removePackages = (names: string[]): Promise<unknown> => this.post('packages/remove', { names });
  decidePackages = (request: string, verdict: 'approve' | 'refuse', reason: string): Promise<unknown> =>
    this.post(at`packages/requests/${request}` + `/${verdict}`, { reason });

  // Versions that wait

  waiting = async (): Promise<WaitingVersion[]> =>
    (await this.get<{ versions: WaitingVersion[] }>('versions/waiting')).versions;
  signOff = (version: WaitingVersion, decision: 'publish' | 'reject', comment: string): Promise<unknown> =>
    this.post(at`datasets/${version.dataset}/versions/${version.version}/sign-off`, { decision, comment });
  /** The ingest report of a version, as HTML that is only ever shown inside a sandboxed frame. */
  report = async (dataset: string, version: string): Promise<string> =>
    (await this.read('GET', at`datasets/${dataset}/versions/${version}/report`)).text();

  // The airlock

  workspaceFiles = async (): Promise<WorkspaceFile[]> =>
    (await this.get<{ files: WorkspaceFile[] }>('workspace/files')).files;
  scan = (path: string): Promise<Scan> => this.post('scan', { path });
  offers = async (): Promise<Offer[]> => (await this.get<{ offers: Offer[] }>('offers')).offers;
  offer = (offer: string): Promise<Offer> => this.get(at`offers/${offer}`);
  offerFiles = (form: OfferForm): Promise<Offer> => this.post('offers', { ...form });
  vote = (offer: Offer, vote: Vote, comment: string): Promise<Offer> =>
    this.post(at`offers/${offer.id}/votes`, { vote, comment, revision: offer.revision });
  moveOffer = (offer: string, verb: 'submit' | 'release' | 'withdraw' | 'reject', form: Body): Promise<Offer> =>
    this.post(at`offers/${offer}/${verb}`, form);
  putFile = (offer: string, name: string, path: string): Promise<Offer> => this.post(at`offers/${offer}/files/${name}`, { path });
  removeFile = async (offer: string, name: string): Promise<unknown> =>
    (await this.read('DELETE', at`offers/${offer}/files/${name}`)).text();
  /** A look at an offered file in a form that can run nothing; the gateway records it. */
  look = (offer: string, name: string, start: number): Promise<Preview> =>
    this.get(at`offers/${offer}/files/${name}/preview` + asQuery({ start: String(start) }));
  /** A released file, for its author to keep. */
  carry = async (offer: string, name: string): Promise<Blob> =>
    (await this.read('GET', at`offers/${offer}/files/${name}`)).blob();

  // The audit log

  events = async (filter: AuditFilter, limit: number): Promise<AuditEvent[]> =>
    (await this.get<{ events: AuditEvent[] }>('audit' + asQuery({ ...filter, limit: String(limit) }))).events;
  verify = (): Promise<AuditVerdict> => this.get('audit/verify');
  checkpoint = (): Promise<Body> => this.get('audit/checkpoint');
  proof = (event: number): Promise<Body> => this.get(at`audit/proof/${String(event)}`);

  // Notebooks

  /** The shipped notebooks, each as `folder/name.ipynb`. */
  notebooks = async (): Promise<string[]> =>
    (await this.get<{ notebooks: ShippedNotebook[] }>('notebooks')).notebooks.map(one => `${one.folder}/${one.name}`);
  /** Lay a shipped notebook into the workspace, unless it is there already; give its path. */
  placeNotebook = async (notebook: string): Promise<string> => (await this.post<{ path: string }>(`notebooks/${notebook}`, {})).path;

  async get<Reply>(path: string): Promise<Reply> {
    return (await (await this.read('GET', path)).json()) as Reply;
  }

  async post<Reply>(path: string, body: Body): Promise<Reply> {
    return (await (await this.read('POST', path, body)).json()) as Reply;
  }

  async read(method: string, path: string, body?: Body): Promise<Response> {
    const url = `${this.settings.baseUrl}workbench/api/${path}`;
    const init: RequestInit = body
      ? { method, body: JSON.stringify(body), headers: { 'Content-Type': 'application/json' } }
      : { method };
    let response: Response;
    try {
      response = await ServerConnection.makeRequest(url, init, this.settings);
    } catch {
      throw new ApiError(0, 'no-server', 'The Jupyter server does not answer. Start `workbench lab` again, then reload.');
    }
    if (!response.ok) {
      throw asError(response.status, await response.text());
    }
    return response;
  }
}

function asError(status: number, text: string): ApiError {
  try {
    const refusal = JSON.parse(text) as Partial<Refusal>;
    if (refusal.message) {
      return new ApiError(status, refusal.code ?? 'unknown', refusal.message, refusal.fields);
    }
  } catch {
    // Not ours: a proxy or the login page answered.
  }
  return new ApiError(status, 'unknown', `The server answered ${status} without saying why. Reload, then try again.`);
}
