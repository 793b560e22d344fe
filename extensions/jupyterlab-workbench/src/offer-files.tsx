/** The files of one release: what the checks found, a safe look, replacing one, and keeping those released. */

import * as React from 'react';
import { ChooseFiles } from './choose-file';
import { saveAs } from './download';
import { Findings } from './findings';
import { Problem } from './forms';
import { useAttempt } from './hooks';
import { Look } from './look';
import { Button, type Desk } from './parts';
import type { Offer, OfferFile } from './replies-airlock';
import { sayBytes } from './words';

export function OfferFiles({ desk, offer }: { desk: Desk; offer: Offer }): React.JSX.Element {
  const { trans, workbench } = desk;
  const [adding, setAdding] = React.useState(false);
  return (
    <section aria-label={trans.__('Files')}>
      <h2>{trans.__('Files')}</h2>
      <ul className="wb-Files">
        {offer.files.map(file => (
          <FileRow key={`${file.name} ${file.sha256}`} desk={desk} offer={offer} file={file} />
        ))}
      </ul>
      {offer.evidence.length > 0 && (
        <p className="wb-Dim">
          {trans.__('Beside them, read by the checks and never released: %1', offer.evidence.map(file => file.name).join(', '))}
        </p>
      )}
      {offer.may.includes('edit') && (
        <div className="wb-Actions">
          <Button
            onClick={() => {
              setAdding(!adding);
            }}
          >
            {adding ? trans.__('Add no file') : trans.__('Add a file…')}
          </Button>
        </div>
      )}
      {adding && (
        <PutFile
          desk={desk}
          label={trans.__('File to add')}
          put={path => workbench.change(() => workbench.api.putFile(offer.id, path.slice(path.lastIndexOf('/') + 1), path))}
          onDone={() => {
            setAdding(false);
          }}
        />
      )}
    </section>
  );
}

function FileRow({ desk, offer, file }: { desk: Desk; offer: Offer; file: OfferFile }): React.JSX.Element {
  const { trans, workbench } = desk;
  const [open, setOpen] = React.useState<'look' | 'replace' | null>(null);
  const [busy, problem, attempt] = useAttempt();
  const toggle = (what: 'look' | 'replace'): void => {
    setOpen(open === what ? null : what);
  };
  return (
    <li data-file={file.name}>
      <p className="wb-RowTitle">
        <span>{file.name}</span>
        <span className="wb-Dim">{[file.kind, sayBytes(file.bytes), file.sha256.slice(0, 10)].filter(Boolean).join(' · ')}</span>
      </p>
      <Findings findings={file.findings} trans={trans} />
      <Problem text={problem} />
      <div className="wb-Actions">
        {offer.may.includes('look') && (
          <Button
            label={trans.__('Look at %1', file.name)}
            onClick={() => {
              toggle('look');
            }}
          >
            {open === 'look' ? trans.__('Close') : trans.__('Look at it')}
          </Button>
        )}
        {offer.may.includes('download') && (
          <Button
            kind="primary"
            disabled={busy}
            label={trans.__('Download %1', file.name)}
            onClick={() => {
              attempt(async () => {
                saveAs(await workbench.api.carry(offer.id, file.name), file.name);
              });
            }}
          >
            {trans.__('Download')}
          </Button>
        )}
        {offer.may.includes('edit') && (
          <>
            <Button
              label={trans.__('Replace %1', file.name)}
              onClick={() => {
                toggle('replace');
              }}
            >
              {trans.__('Replace…')}
            </Button>
            <Button
              disabled={busy || offer.files.length === 1}
              label={trans.__('Take %1 out of the release', file.name)}
              onClick={() => {
                attempt(() => workbench.change(() => workbench.api.removeFile(offer.id, file.name)));
              }}
            >
              {trans.__('Take out')}
            </Button>
          </>
        )}
      </div>
      {open === 'look' && <Look desk={desk} offer={offer.id} name={file.name} />}
      {open === 'replace' && (
        <PutFile
          desk={desk}
          label={trans.__('File in the place of %1', file.name)}
          put={path => workbench.change(() => workbench.api.putFile(offer.id, file.name, path))}
          onDone={() => {
            setOpen(null);
          }}
        />
      )}
    </li>
  );
}

/** Choosing one file of the workspace; every vote so far is void once it is in. */
function PutFile(props: {
  desk: Desk;
  label: string;
  put: (path: string) => Promise<void>;
  onDone: () => void;
}): React.JSX.Element {
  const { desk, label, put, onDone } = props;
  const { trans } = desk;
  const [chosen, setChosen] = React.useState<string[]>([]);
  const [busy, problem, attempt] = useAttempt();
  const [path] = chosen;
  return (
    <div className="wb-Form wb-Wide">
      <ChooseFiles desk={desk} chosen={chosen} onChange={setChosen} one label={label} />
      <p className="wb-Dim">{trans.__('The automatic checks look at it, and every vote given so far is void.')}</p>
      <Problem text={problem} />
      <div className="wb-Actions">
        <Button
          kind="primary"
          disabled={busy || path === undefined}
          onClick={() => {
            attempt(async () => {
              await put(path ?? '');
              onDone();
            });
          }}
        >
          {trans.__('Put it in')}
        </Button>
      </div>
    </div>
  );
}
