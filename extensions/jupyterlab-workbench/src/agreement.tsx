/** A dataset's agreement: read and accepted by whoever wants the data, written by its custodian. */

import * as React from 'react';
import { Problem, TextArea, TextField } from './forms';
import { useAttempt, useReply } from './hooks';
import { Button, type Desk, Notice } from './parts';
import { sayDay } from './words';

/** The newest text, to be read to its end, and the button under it. */
export function AgreementToAccept({ desk, dataset }: { desk: Desk; dataset: string }): React.JSX.Element {
  const { trans, workbench } = desk;
  const agreement = useReply(() => workbench.api.agreement(dataset), `${dataset} ${workbench.news}`);
  const [busy, problem, attempt] = useAttempt();
  const { title, text, version, accepted } = agreement.value ?? {};
  if (agreement.problem) {
    return <Problem text={agreement.problem} />;
  }
  if (!text || version === undefined) {
    return <Notice kind="loading">{trans.__('Loading the agreement…')}</Notice>;
  }
  return (
    <div className="wb-Agreement">
      <h3>{trans.__('%1 (version %2)', title ?? '', version)}</h3>
      <div className="wb-Text" tabIndex={0} role="document" aria-label={trans.__('Text of the agreement')}>
        {text}
      </div>
      <Problem text={problem} />
      {accepted ? (
        <p className="wb-Dim">{trans.__('You accepted it on %1.', sayDay(accepted))}</p>
      ) : (
        <div className="wb-Actions">
          <Button
            kind="primary"
            disabled={busy}
            onClick={() => {
              attempt(() => workbench.change(() => workbench.api.acceptAgreement(dataset, version)));
            }}
          >
            {trans.__('I have read and accept version %1', version)}
          </Button>
        </div>
      )}
    </div>
  );
}

/** Where its custodian writes the next version; everybody has to accept that one anew. */
export function AgreementEditor({ desk, dataset }: { desk: Desk; dataset: string }): React.JSX.Element {
  const { trans, workbench } = desk;
  const agreement = useReply(() => workbench.api.agreement(dataset), `${dataset} ${workbench.news}`);
  const [draft, setDraft] = React.useState<{ title: string; text: string } | null>(null);
  const [busy, problem, attempt] = useAttempt();
  const { title = '', text = '', version } = agreement.value ?? {};
  const shown = draft ?? { title, text };
  return (
    <form
      className="wb-Form"
      aria-label={trans.__('Agreement')}
      onSubmit={event => {
        event.preventDefault();
        attempt(async () => {
          await workbench.change(() => workbench.api.setAgreement(dataset, shown.title.trim(), shown.text.trim()));
          setDraft(null);
        });
      }}
    >
      <p className="wb-Dim">
        {version
          ? trans.__('Version %1 counts now. Saving makes version %2, which everybody has to accept anew.', version, version + 1)
          : trans.__('No agreement is asked for. Once there is one, nobody reads the dataset before accepting it.')}
      </p>
      <TextField
        label={trans.__('Title of the agreement')}
        required
        value={shown.title}
        onChange={value => {
          setDraft({ ...shown, title: value });
        }}
      />
      <TextArea
        label={trans.__('Text of the agreement')}
        required
        rows={8}
        value={shown.text}
        onChange={value => {
          setDraft({ ...shown, text: value });
        }}
      />
      <Problem text={problem ?? agreement.problem} />
      <div className="wb-Actions">
        <Button kind="primary" submit disabled={busy || !draft || shown.text.trim() === '' || shown.title.trim() === ''}>
          {version ? trans.__('Save as version %1', version + 1) : trans.__('Ask for this agreement')}
        </Button>
      </div>
    </form>
  );
}
