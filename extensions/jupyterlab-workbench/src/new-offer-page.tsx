/** Main-area page: offering files of the workspace for release. */

import * as React from 'react';
import { ChooseFiles } from './choose-file';
import { CommandIds } from './command-ids';
import { Findings } from './findings';
import { Problem, TextArea } from './forms';
import { useAttempt } from './hooks';
import { Button, type Desk } from './parts';
import type { Scan } from './replies-airlock';

const LONGEST = 2000;

export function NewOfferPage({ desk, onDone }: { desk: Desk; onDone: () => void }): React.JSX.Element {
  const { commands, trans, workbench } = desk;
  const [files, setFiles] = React.useState<string[]>([]);
  const [reason, setReason] = React.useState('');
  const [controls, setControls] = React.useState('');
  const [scans, setScans] = React.useState<Scan[]>([]);
  const [busy, problem, attempt] = useAttempt();
  const isWhole = files.length > 0 && reason.trim() !== '' && controls.trim() !== '';
  const offer = (draft: boolean): void => {
    attempt(async () => {
      const form = { files, reason: reason.trim(), controls: controls.trim(), draft };
      const made = await workbench.api.offerFiles(form);
      await workbench.change(() => Promise.resolve());
      onDone();
      await commands.execute(CommandIds.openOffer, { offer: made.id });
    });
  };
  return (
    <article className="wb-Page">
      <header>
        <p className="wb-Eyebrow">{trans.__('Airlock')}</p>
        <h1>{trans.__('Offer files for release')}</h1>
        <p className="wb-Lead">
          {trans.__(
            'Automatic checks look first, then two output checkers who do not see each other’s vote. Copies are made: what is checked is what leaves.'
          )}
        </p>
      </header>
      <form
        className="wb-Form wb-Wide"
        aria-label={trans.__('Offer files for release')}
        onSubmit={event => {
          event.preventDefault();
          offer(false);
        }}
      >
        <ChooseFiles
          desk={desk}
          chosen={files}
          label={trans.__('Files of your workspace')}
          onChange={chosen => {
            setFiles(chosen);
            setScans(scans.filter(scan => chosen.some(path => nameOf(path) === scan.file)));
          }}
        />
        <TextArea
          label={trans.__('What they are for')}
          hint={trans.__('Figure 2 of the paper on nodule detection')}
          required
          longest={LONGEST}
          value={reason}
          onChange={setReason}
        />
        <TextArea
          label={trans.__('What was done against disclosure')}
          hint={trans.__('Counts below 10 suppressed; no picture of a person')}
          required
          longest={LONGEST}
          value={controls}
          onChange={setControls}
        />
        {scans.map(scan => (
          <div key={scan.file} className="wb-Scan" data-scan={scan.file}>
            <strong>{scan.file}</strong> <Findings findings={scan.findings} trans={trans} />
          </div>
        ))}
        <Problem text={problem} />
        <div className="wb-Actions">
          <Button kind="primary" submit disabled={busy || !isWhole}>
            {busy ? trans.__('Working…') : trans.__('Offer for release')}
          </Button>
          <Button
            disabled={busy || files.length === 0}
            onClick={() => {
              offer(true);
            }}
          >
            {trans.__('Save as draft')}
          </Button>
          <Button
            disabled={busy || files.length === 0}
            onClick={() => {
              attempt(async () => {
                setScans(await Promise.all(files.map(path => workbench.api.scan(path))));
              });
            }}
          >
            {trans.__('Check first')}
          </Button>
        </div>
      </form>
    </article>
  );
}

function nameOf(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}
