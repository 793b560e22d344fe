/** Main-area page: one release, as its author or an output checker works on it. */

import * as React from 'react';
import { StateChip } from './airlock';
import { Mark } from './checklist';
import { saveAsJson } from './download';
import { Problem, TextArea } from './forms';
import { useAttempt, useReply } from './hooks';
import { OfferFiles } from './offer-files';
import { Button, type Desk, Facts, Notice } from './parts';
import type { Offer, Vote } from './replies-airlock';
import { sayDay, sayMoment } from './words';

/** The way of a release that nothing stops; the others leave it on the way. */
const WAY = ['draft', 'submitted', 'partially reviewed', 'reviewed', 'approved', 'released'];
/** A checker's vote or the automatic checks change a release while its page is open. */
const LOOK_AGAIN_MS = 10_000;

export function OfferPage({ desk, id }: { desk: Desk; id: string }): React.JSX.Element {
  const { trans, workbench } = desk;
  const known = useReply(() => workbench.api.offer(id), `${id} ${workbench.news}`, LOOK_AGAIN_MS);
  const offer = known.value;
  if (!offer) {
    return known.problem ? (
      <Notice kind="failed">{known.problem}</Notice>
    ) : (
      <Notice kind="loading">{trans.__('Loading the release…')}</Notice>
    );
  }
  return (
    <article className="wb-Page">
      <header>
        <p className="wb-Eyebrow">{trans.__('Release · %1', offer.id)}</p>
        <h1>
          {offer.reason || trans.__('Draft')} <StateChip state={offer.state} />
        </h1>
        <Way state={offer.state} label={trans.__('Way of the release')} />
      </header>
      <Facts
        facts={[
          [trans.__('Author'), offer.person],
          [trans.__('Project'), offer.project || '—'],
          [trans.__('Offered'), sayDay(offer.created)],
          [trans.__('Votes'), trans.__('%1 of %2', offer.votes_given, offer.votes_needed)]
        ]}
      />
      <section>
        <h2>{trans.__('What was done against disclosure')}</h2>
        <p className="wb-Lead">{offer.controls || '—'}</p>
      </section>
      <OfferFiles desk={desk} offer={offer} />
      <Steps desk={desk} offer={offer} />
      <Votes desk={desk} offer={offer} />
      <section>
        <h2>{trans.__('History')}</h2>
        <ol className="wb-History">
          {offer.history.map((step, index) => (
            <li key={index}>
              <span className="wb-Dim">{sayMoment(step.time)}</span> {step.actor} · {step.verb} → {step.state}
              {step.comment && <span className="wb-Dim"> {trans.__('“%1”', step.comment)}</span>}
            </li>
          ))}
        </ol>
        {offer.ledger && (
          <div className="wb-Actions">
            <Button
              onClick={() => {
                saveAsJson(offer.ledger, `release-${offer.id}.json`);
              }}
            >
              {trans.__('Download the ledger’s entry')}
            </Button>
          </div>
        )}
      </section>
    </article>
  );
}

function Way({ state, label }: { state: string; label: string }): React.JSX.Element {
  const here = WAY.indexOf(state);
  return (
    <ol className="wb-Way" aria-label={label}>
      {WAY.map((step, index) => (
        <li key={step} className={index <= here ? 'wb-mod-past' : undefined} aria-current={index === here ? 'step' : undefined}>
          {step}
        </li>
      ))}
      {here < 0 && (
        <li className="wb-mod-off" aria-current="step">
          {state}
        </li>
      )}
    </ol>
  );
}

/** What this person may do with the release now, apart from its files. */
function Steps({ desk, offer }: { desk: Desk; offer: Offer }): React.JSX.Element | null {
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
    attempt(() => workbench.change(() => workbench.api.vote(offer, choice, comment.trim())));
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

function Votes({ desk, offer }: { desk: Desk; offer: Offer }): React.JSX.Element {
  const { trans } = desk;
  const hidden = offer.votes_given - offer.votes.length;
  const words: Record<Vote, string> = {
    approve: trans.__('approved'),
    changes: trans.__('asked for changes'),
    reject: trans.__('rejected')
  };
  const answers = { approve: 'yes', changes: 'review', reject: 'no' } as const;
  return (
    <section>
      <h2>{trans.__('Votes')}</h2>
      {offer.votes_given === 0 && <p className="wb-Dim">{trans.__('Nobody has voted yet.')}</p>}
      {hidden > 0 && (
        <p className="wb-Dim">{trans._n('%1 vote stays hidden until all have voted.', '%1 votes stay hidden until all have voted.', hidden, hidden)}</p>
      )}
      <ul className="wb-Findings">
        {offer.votes.map(vote => (
          <li key={vote.person} data-vote={vote.person}>
            <Mark answer={answers[vote.vote]} word={words[vote.vote]} /> <strong>{vote.person}</strong>{' '}
            <span className="wb-Dim">{sayMoment(vote.time)}</span> {vote.comment}
          </li>
        ))}
      </ul>
    </section>
  );
}
