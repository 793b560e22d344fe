/** What a person may do with a release now: an author's steps, or a checker's vote. */

import * as React from 'react';
import { Problem, TextArea } from './forms';
import { useAttempt } from './hooks';
import { Button, type Desk } from './parts';
import type { Offer, Vote } from './replies-airlock';

/** What this person may do with the release now, apart from its files. */
export function Steps({ desk, offer }: { desk: Desk; offer: Offer }): React.JSX.Element | null {
  const { trans } = desk;
  if (offer.may.includes('vote') || offer.may.includes('reject')) {
    return <Judging desk={desk} offer={offer} />;
  }
  return offer.may.some(verb => verb === 'submit' || verb === 'release' || verb === 'withdraw') ? (
    <section className="wb-Box wb-is-submitted wb-Pending" aria-label={trans.__('Your next step')}>
      <h2>{trans.__('Your next step')}</h2>
      <Moving desk={desk} offer={offer} />
    </section>
  ) : null;
}

/** The author's steps; a draft may say better what it is for before it is handed in. */
function Moving({ desk, offer }: { desk: Desk; offer: Offer }): React.JSX.Element {
  const { trans, workbench } = desk;
  const [reason, setReason] = React.useState(offer.reason);
  const [controls, setControls] = React.useState(offer.controls);
  const [busy, problem, attempt] = useAttempt();
  const move = (verb: 'submit' | 'release' | 'withdraw', form = {}): void => {
    attempt(() => workbench.change(() => workbench.api.moveOffer(offer.id, verb, form)));
  };
  const submits = offer.may.includes('submit');
  const isBare = reason.trim() === '' || controls.trim() === '';
  return (
    <>
      {submits && (
        <div className="wb-Form">
          <TextArea label={trans.__('What the files are for')} required value={reason} onChange={setReason} />
          <TextArea label={trans.__('What was done against disclosure')} required value={controls} onChange={setControls} />
        </div>
      )}
      <Problem text={problem} />
      <div className="wb-Actions">
        {submits && (
          <Step
            label={trans.__('Submit for review')}
            kind="primary"
            busy={busy || isBare}
            run={() => {
              move('submit', { reason: reason.trim(), controls: controls.trim() });
            }}
          />
        )}
        {offer.may.includes('release') && (
          <Step
            label={trans.__('Release the files')}
            kind="primary"
            busy={busy}
            run={() => {
              move('release');
            }}
          />
        )}
        {offer.may.includes('withdraw') && (
          <Step
            label={trans.__('Withdraw')}
            kind="danger"
            busy={busy}
            run={() => {
              move('withdraw');
            }}
          />
        )}
      </div>
    </>
  );
}

/** A checker's vote, or the later stop of what was approved or returned. */
function Judging({ desk, offer }: { desk: Desk; offer: Offer }): React.JSX.Element {
  const { trans, workbench } = desk;
  const [comment, setComment] = React.useState('');
  const [busy, problem, attempt] = useAttempt();
  const votes = offer.may.includes('vote');
  const isSilent = comment.trim() === '';
  const vote = (choice: Vote) => (): void => {
    attempt(async () => {
      await workbench.change(() => workbench.api.vote(offer, choice, comment.trim()));
      setComment('');
    });
  };
  const reject = (): void => {
    attempt(() => workbench.change(() => workbench.api.moveOffer(offer.id, 'reject', { comment: comment.trim() })));
  };
  return (
    <section className="wb-Box wb-is-submitted wb-Pending" aria-label={trans.__('Your vote')}>
      <h2>{votes ? trans.__('Your vote') : trans.__('Stop it after all')}</h2>
      <p className="wb-Dim">
        {votes
          ? trans.__('The other checker sees your vote only after voting, as you see theirs.')
          : trans.__('What is rejected ends here for good.')}
      </p>
      <textarea
        rows={2}
        aria-label={trans.__('Comment on release %1', offer.id)}
        placeholder={trans.__('What you looked at (needed unless you approve)')}
        value={comment}
        onChange={event => {
          setComment(event.target.value);
        }}
      />
      <Problem text={problem} />
      <div className="wb-Actions">
        {votes ? (
          <>
            <Step label={trans.__('Approve')} kind="primary" busy={busy} run={vote('approve')} />
            <Step label={trans.__('Ask for changes')} busy={busy || isSilent} run={vote('changes')} />
            <Step label={trans.__('Vote to reject')} kind="danger" busy={busy || isSilent} run={vote('reject')} />
          </>
        ) : (
          <Step label={trans.__('Reject')} kind="danger" busy={busy || isSilent} run={reject} />
        )}
      </div>
    </section>
  );
}

function Step(props: { label: string; run: () => void; busy: boolean; kind?: 'primary' | 'danger' }): React.JSX.Element {
  return (
    <Button kind={props.kind ?? 'plain'} disabled={props.busy} onClick={props.run}>
      {props.label}
    </Button>
  );
}
