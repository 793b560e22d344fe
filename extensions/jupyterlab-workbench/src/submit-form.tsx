/** Submitting a file of the workspace to a hidden test: checked only, or scored. */

import * as React from 'react';
import { ChooseFiles } from './choose-file';
import { Problem, TextField } from './forms';
import { useAttempt } from './hooks';
import { Button, type Desk } from './parts';
import type { Submission, SubmissionKind, Task } from './replies-benchmark';
import { QuotaLine } from './submissions';

export function SubmitForm({ desk, task, isClosed }: { desk: Desk; task: Task; isClosed: boolean }): React.JSX.Element {
  const { trans, workbench } = desk;
  const [files, setFiles] = React.useState<string[]>([]);
  const [note, setNote] = React.useState('');
  const [sent, setSent] = React.useState<Submission | null>(null);
  const [busy, problem, attempt] = useAttempt();
  const file = files[0];
  // What was answered at once, until the list knows what came of it.
  const told = workbench.submissions.value?.find(one => one.submission === sent?.submission) ?? sent;
  const kinds: Record<SubmissionKind, string> = {
    predictions: trans.__('predictions (.csv, .json)'),
    onnx: trans.__('a model (.onnx)'),
    folder: trans.__('a program (.zip, or a folder with predict.py)')
  };
  const send = (intent: 'validation' | 'scored'): void => {
    if (file !== undefined) {
      attempt(async () => {
        setSent(null);
        const made = await workbench.api.benchmark.submit(task.task, file, intent, note.trim());
        setSent(made);
        await workbench.change(() => Promise.resolve());
      });
    }
  };
  return (
    <form
      className="wb-Form wb-Wide"
      aria-label={trans.__('Submit to %1', task.title)}
      onSubmit={event => {
        event.preventDefault();
        send('validation');
      }}
    >
      <p className="wb-Dim">{trans.__('It takes %1.', task.submissions.map(kind => kinds[kind]).join(', '))}</p>
      <ChooseFiles
        desk={desk}
        one
        chosen={files}
        label={trans.__('A file of your workspace')}
        list={() => workbench.api.benchmark.files()}
        empty={trans.__('Your workspace holds no file that could be submitted. Save predictions or a model first.')}
        onChange={setFiles}
      />
      <TextField label={trans.__('A line for the leaderboard')} hint={trans.__('what is new in it')} value={note} onChange={setNote} />
      <QuotaLine desk={desk} task={task.task} />
      <Problem text={problem} />
      {told && (
        <p className="wb-Told" role="status" data-state={told.state}>
          {trans.__('%1: %2', told.submission, told.message || told.state)}
        </p>
      )}
      <div className="wb-Actions">
        <Button submit disabled={busy || file === undefined} label={trans.__('Check it, without a score')}>
          {trans.__('Check only')}
        </Button>
        <Button
          kind="primary"
          disabled={busy || file === undefined || isClosed}
          onClick={() => {
            send('scored');
          }}
        >
          {busy ? trans.__('Sending…') : trans.__('Submit for a score')}
        </Button>
      </div>
      {isClosed && <p className="wb-Dim">{trans.__('The final test was opened, so this version takes no more scored submissions.')}</p>}
    </form>
  );
}
