/** Main-area page: a report notebook's question, the form made from its typed parameters, and the cells that will run. */

import * as React from 'react';
import { ApiError } from './api';
import { CommandIds } from './command-ids';
import { Problem } from './forms';
import { useAttempt, useReply } from './hooks';
import { initial, ParameterField, problemOf, type Typed } from './parameter-field';
import { Button, type Desk, Notice } from './parts';
import type { ReportForm } from './replies-reports';

export function RunFormPage({ desk, notebook }: { desk: Desk; notebook: string }): React.JSX.Element {
  const { trans, workbench } = desk;
  const form = useReply(() => workbench.api.reports.form(notebook), `${notebook} ${workbench.news}`);
  if (!form.value) {
    return form.problem ? (
      <Notice kind="failed">{form.problem}</Notice>
    ) : (
      <Notice kind="loading">{trans.__('Reading the notebook’s parameters…')}</Notice>
    );
  }
  return (
    <article className="wb-Page">
      <header>
        <p className="wb-Eyebrow">{trans.__('Report · %1', form.value.name)}</p>
        <h1>{form.value.question}</h1>
        <p className="wb-Lead">
          {trans.__(
            'Runs in a kernel of its own, also when this tab is closed. Report, notebook and crate are then laid into your workspace.'
          )}
        </p>
      </header>
      <Parameters key={notebook} desk={desk} form={form.value} />
      <section>
        <h2>{trans.__('What will run')}</h2>
        <ol className="wb-Cells">
          {form.value.cells.map(cell => (
            <li key={cell.number} value={cell.number}>
              <span>{cell.text}</span>
              {cell.stage && <span className="wb-Chip">{trans.__('kept for the next run')}</span>}
            </li>
          ))}
        </ol>
      </section>
    </article>
  );
}

function Parameters({ desk, form }: { desk: Desk; form: ReportForm }): React.JSX.Element {
  const { commands, trans, workbench } = desk;
  const [typed, setTyped] = React.useState<Record<string, Typed>>({});
  const [wrong, setWrong] = React.useState<Record<string, string>>({});
  const [fresh, setFresh] = React.useState(false);
  const [busy, problem, attempt] = useAttempt();
  const hasStages = form.cells.some(cell => cell.stage !== null);
  const valueOf = (name: string): Typed => {
    const parameter = form.parameters.find(one => one.name === name);
    return typed[name] ?? (parameter ? initial(parameter) : '');
  };
  const start = async (): Promise<void> => {
    const found = form.parameters.flatMap(parameter => {
      const said = problemOf(parameter, valueOf(parameter.name), trans);
      return said ? [[parameter.name, said] as const] : [];
    });
    setWrong(Object.fromEntries(found));
    if (found.length > 0) {
      return;
    }
    try {
      const values = Object.fromEntries(form.parameters.map(({ name }) => [name, valueOf(name)]));
      const run = await workbench.api.reports.start(form.notebook, values, fresh);
      await workbench.change(() => Promise.resolve());
      await commands.execute(CommandIds.openRun, { run: run.run });
    } catch (error) {
      // What the server says of single fields stands beside them, not below.
      const told = error instanceof ApiError ? error.fields : {};
      setWrong(told);
      if (Object.keys(told).length === 0) {
        throw error;
      }
    }
  };
  return (
    <form
      className="wb-Form wb-Wide"
      aria-label={trans.__('Parameters of %1', form.name)}
      noValidate
      onSubmit={event => {
        event.preventDefault();
        attempt(start);
      }}
    >
      {form.parameters.length === 0 && <p className="wb-Dim">{trans.__('This notebook has no parameters.')}</p>}
      <div className="wb-Fields">
        {form.parameters.map(parameter => (
          <ParameterField
            key={parameter.name}
            parameter={parameter}
            value={valueOf(parameter.name)}
            problem={wrong[parameter.name] ?? null}
            trans={trans}
            onChange={value => {
              setTyped({ ...typed, [parameter.name]: value });
              const said = problemOf(parameter, value, trans);
              setWrong(without(wrong, parameter.name, said));
            }}
          />
        ))}
      </div>
      {hasStages && (
        <label className="wb-Tick">
          <input
            type="checkbox"
            checked={fresh}
            onChange={event => {
              setFresh(event.target.checked);
            }}
          />
          <span>{trans.__('Run every stage anew, also where nothing it follows from has changed')}</span>
        </label>
      )}
      <Problem text={problem} />
      <div className="wb-Actions">
        <Button kind="primary" submit disabled={busy}>
          {busy ? trans.__('Starting…') : trans.__('Run report')}
        </Button>
        <Button
          disabled={busy || Object.keys(typed).length === 0}
          onClick={() => {
            setTyped({});
            setWrong({});
          }}
        >
          {trans.__('Back to the defaults')}
        </Button>
      </div>
    </form>
  );
}

/** What is wrong with the other fields, and with this one what is said of it now. */
function without(wrong: Record<string, string>, name: string, said: string | null): Record<string, string> {
  const others = Object.entries(wrong).filter(([other]) => other !== name);
  return Object.fromEntries(said ? [...others, [name, said]] : others);
}
