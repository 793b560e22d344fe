/** The only file that talks to the server; the session cookie is all the browser ever holds. */

import { ServerConnection } from '@jupyterlab/services';
import type {
  AccessRequest,
  Dataset,
  DatasetCard,
  Leaderboard,
  Me,
  Purpose,
  Refusal,
  ShippedNotebook,
  Task,
  WaitingVersion
} from './replies';

/** What the server refused or could not do, in its own sentence. */
export class ApiError extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    message: string
  ) {
    super(message);
  }
}

export interface RequestForm {
  purpose: string;
  days: number;
  note: string;
}

export class Api {
  private readonly settings = ServerConnection.makeSettings();

  /** Where a person chooses whom to sign in as (demo homes only). */
  signInUrl(): string {
    return `${this.settings.baseUrl}workbench/sign-in`;
  }

  me(): Promise<Me> {
    return this.ask<Me>('me');
  }

  async datasets(): Promise<Dataset[]> {
    return (await this.ask<{ datasets: Dataset[] }>('datasets')).datasets;
  }

  dataset(name: string): Promise<DatasetCard> {
    return this.ask<DatasetCard>(`datasets/${encodeURIComponent(name)}`);
  }

  async purposes(): Promise<Purpose[]> {
    const reply = await this.ask<Purpose[] | { purposes: Purpose[] }>('purposes');
    return Array.isArray(reply) ? reply : reply.purposes;
  }

  async requests(): Promise<AccessRequest[]> {
    return (await this.ask<{ requests: AccessRequest[] }>('requests')).requests;
  }

  requestAccess(dataset: string, form: RequestForm): Promise<AccessRequest> {
    return this.ask<AccessRequest>(`datasets/${encodeURIComponent(dataset)}/requests`, { ...form });
  }

  decide(request: string, verdict: 'approve' | 'refuse', reason: string): Promise<AccessRequest> {
    return this.ask<AccessRequest>(`requests/${encodeURIComponent(request)}/${verdict}`, { reason });
  }

  /** The versions that wait, as far as this person reviews them. */
  async waiting(): Promise<WaitingVersion[]> {
    return (await this.ask<{ versions: WaitingVersion[] }>('versions/waiting')).versions;
  }

  async signOff(version: WaitingVersion, decision: 'publish' | 'reject', comment: string): Promise<void> {
    await this.ask<unknown>(`${place(version.dataset, version.version)}/sign-off`, { decision, comment });
  }

  /** The ingest report of a version, as HTML that is only ever shown inside a sandboxed frame. */
  report(dataset: string, version: string): Promise<string> {
    return this.read(`${place(dataset, version)}/report`);
  }

  async tasks(): Promise<Task[]> {
    return (await this.ask<{ tasks: Task[] }>('tasks')).tasks;
  }

  leaderboard(task: string): Promise<Leaderboard> {
    return this.ask<Leaderboard>(`tasks/${encodeURIComponent(task)}/leaderboard`);
  }

  /** The shipped notebooks, each as `folder/name.ipynb`. */
  async notebooks(): Promise<string[]> {
    return (await this.ask<{ notebooks: ShippedNotebook[] }>('notebooks')).notebooks.map(one => `${one.folder}/${one.name}`);
  }

  /** Lay a shipped notebook into the workspace, unless it is there already; give its path. */
  async placeNotebook(notebook: string): Promise<string> {
    return (await this.ask<{ path: string }>(`notebooks/${notebook}`, {})).path;
  }

  private async ask<Reply>(path: string, body?: Record<string, string | number>): Promise<Reply> {
    return JSON.parse(await this.read(path, body)) as Reply;
  }

  private async read(path: string, body?: Record<string, string | number>): Promise<string> {
    const url = `${this.settings.baseUrl}workbench/api/${path}`;
    const init: RequestInit = body
      ? { method: 'POST', body: JSON.stringify(body), headers: { 'Content-Type': 'application/json' } }
      : { method: 'GET' };
    let response: Response;
    try {
      response = await ServerConnection.makeRequest(url, init, this.settings);
    } catch {
      throw new ApiError(0, 'no-server', 'The Jupyter server does not answer. Start `workbench lab` again, then reload.');
    }
    const text = await response.text();
    if (!response.ok) {
      throw asError(response.status, text);
    }
    return text;
  }
}

function place(dataset: string, version: string): string {
  return `datasets/${encodeURIComponent(dataset)}/versions/${encodeURIComponent(version)}`;
}

function asError(status: number, text: string): ApiError {
  try {
    const refusal = JSON.parse(text) as Partial<Refusal>;
    if (refusal.message) {
      return new ApiError(status, refusal.code ?? 'unknown', refusal.message);
    }
  } catch {
    // Not ours: a proxy or the login page answered.
  }
  return new ApiError(status, 'unknown', `The server answered ${status} without saying why. Reload, then try again.`);
}
