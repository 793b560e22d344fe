/** What the server offers about tasks: boards, submissions, and sending a file of the workspace. */

import { at, type Line } from './paths';
import type { Leaderboard } from './replies-board';
import type { Submission, Task, TaskCard } from './replies-benchmark';
import type { WorkspaceFile } from './replies-airlock';

export class BenchmarkApi {
  constructor(private readonly line: Line) {}

  tasks = async (): Promise<Task[]> => (await this.line.get<{ tasks: Task[] }>('tasks')).tasks;
  task = (task: string): Promise<TaskCard> => this.line.get(at`tasks/${task}`);
  leaderboard = (task: string): Promise<Leaderboard> => this.line.get(at`tasks/${task}/leaderboard`);
  /** Files of the workspace that could be submitted. */
  files = async (): Promise<WorkspaceFile[]> => (await this.line.get<{ files: WorkspaceFile[] }>('workspace/submittable')).files;
  submit = (task: string, path: string, intent: 'validation' | 'scored', note: string): Promise<Submission> =>
    this.line.post(at`tasks/${task}/submissions`, { path, intent, note });
  submissions = async (): Promise<Submission[]> =>
    (await this.line.get<{ submissions: Submission[] }>('submissions')).submissions;
  withdraw = (submission: string): Promise<Submission> => this.line.post(at`submissions/${submission}/withdraw`, {});
}
