/** Main-area page: one release, as its author or an output checker works on it. */

import * as React from 'react';
import { StateChip } from './airlock';
import { Mark } from './checklist';
import { saveAsJson } from './download';
import { useReply } from './hooks';
import { OfferFiles } from './offer-files';
import { Steps } from './offer-steps';
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
