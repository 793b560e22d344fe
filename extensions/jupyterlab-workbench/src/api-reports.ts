/** What the server offers about reports: notebooks, runs that go on by themselves, crates and verdicts. */

import { asQuery, at, type Line } from './paths';
import type { CellPart, Comparison, Crate, CrateCard, ParameterValue, ReportForm, ReportNotebook, Run } from './replies-reports';

export class ReportsApi {
  constructor(private readonly line: Line) {}

  notebooks = async (): Promise<ReportNotebook[]> => (await this.line.get<{ reports: ReportNotebook[] }>('reports')).reports;
  form = (notebook: string): Promise<ReportForm> => this.line.get('reports/form' + asQuery({ notebook }));

  runs = async (): Promise<Run[]> => (await this.line.get<{ runs: Run[] }>('reports/runs')).runs;
  read = (run: string): Promise<Run> => this.line.get(at`reports/runs/${run}`);
  start = (notebook: string, parameters: Record<string, ParameterValue>, fresh: boolean): Promise<Run> =>
    this.line.post('reports/runs', { notebook, parameters, fresh });
  cancel = (run: string): Promise<Run> => this.line.post(at`reports/runs/${run}/cancel`, {});
  /** The report of a run, as HTML that is only ever shown inside a sandboxed frame. */
  report = async (run: string): Promise<string> => (await this.line.read('GET', at`reports/runs/${run}/report`)).text();

  crates = async (): Promise<Crate[]> => (await this.line.get<{ crates: Crate[] }>('reports/crates')).crates;
  crate = (path: string): Promise<CrateCard> => this.line.get('reports/crate' + asQuery({ path }));
  /** The report inside a crate, for the same frame. */
  crateReport = async (path: string): Promise<string> =>
    (await this.line.read('GET', 'reports/crate/report' + asQuery({ path }))).text();
  reproduce = (crate: string, anyEnvironment: boolean): Promise<Run> =>
    this.line.post('reports/reproduce', { crate, any_environment: anyEnvironment });
  verdict = (path: string, number: number): Promise<Comparison> =>
    this.line.get('reports/verdict' + asQuery({ path, number: String(number) }));
  /** One cell of both runs, also where they do not differ. */
  cell = async (path: string, number: number, cell: number): Promise<CellPart[]> =>
    (await this.line.get<{ parts: CellPart[] }>('reports/verdict' + asQuery({ path, number: String(number), cell: String(cell) })))
      .parts;
}
