/** Section "Airlock": what this person offers for release, and what waits for them as an output checker. */

import * as React from 'react';
import { CommandIds } from './command-ids';
import { Button, type Desk, Notice, Shown } from './parts';
import type { Offer } from './replies-airlock';
import { sayDay } from './words';

export function Airlock({ desk }: { desk: Desk }): React.JSX.Element {
  const { commands, trans, workbench } = desk;
  const me = workbench.me.value?.person;
  return (
    <>
      <div className="wb-Actions wb-Rules">
        <Button kind="primary" onClick={() => void commands.execute(CommandIds.offerFiles)}>
          {trans.__('Offer files for release')}
        </Button>
      </div>
      <Shown desk={desk} known={workbench.offers} loading={trans.__('Loading the airlock…')}>
        {offers => {
          const others = offers.filter(offer => offer.person !== me);
          const due = others.filter(offer => offer.may.includes('vote'));
          const own = offers.filter(offer => offer.person === me);
          return offers.length === 0 ? (
            <Notice kind="empty">
              {trans.__('Nothing was offered yet. Files leave this place only here, after two output checkers looked at them.')}
            </Notice>
          ) : (
            <>
              <OfferList desk={desk} offers={due} title={trans.__('To check')} />
              <OfferList desk={desk} offers={own} title={trans.__('Yours')} />
              <OfferList desk={desk} offers={others.filter(offer => !due.includes(offer))} title={trans.__('Of others')} />
            </>
          );
        }}
      </Shown>
    </>
  );
}

function OfferList(props: { desk: Desk; offers: Offer[]; title: string }): React.JSX.Element | null {
  const { desk, offers, title } = props;
  const { commands, trans } = desk;
  return offers.length === 0 ? null : (
    <section aria-label={title}>
      <h3 className="wb-Heading">{title}</h3>
      <ul className="wb-List">
        {offers.map(offer => (
          <li key={offer.id} className="wb-Row" data-offer={offer.id}>
            <button
              type="button"
              className="wb-RowHead"
              aria-label={trans.__('Open release %1, %2', offer.id, offer.state)}
              onClick={() => void commands.execute(CommandIds.openOffer, { offer: offer.id })}
            >
              <span className="wb-RowText">
                <span className="wb-RowTitle">
                  <span>{offer.reason || trans.__('Draft')}</span>
                  <StateChip state={offer.state} />
                </span>
                <span className="wb-Dim">{sayOffer(desk, offer)}</span>
                {offer.may.includes('vote') && <span className="wb-Standing">{trans.__('Waits for your vote')}</span>}
                {offer.may.includes('release') && <span className="wb-Standing">{trans.__('Ready for you to release')}</span>}
              </span>
            </button>
          </li>
        ))}
      </ul>
    </section>
  );
}

export function StateChip({ state }: { state: string }): React.JSX.Element {
  return <span className={`wb-Chip wb-state-${state.replace(' ', '-')}`}>{state}</span>;
}

export function sayOffer({ trans }: Desk, offer: Offer): string {
  const files = trans._n('%1 file', '%1 files', offer.files.length, offer.files.length);
  const votes = trans.__('%1 of %2 voted', offer.votes_given, offer.votes_needed);
  return [offer.id, offer.person, files, votes, sayDay(offer.created)].join(' · ');
}
