/** Section "Versions waiting": what came in and waits for the sign-off of a second person. */

import * as React from 'react';
import { CommandIds } from './command-ids';
import { Problem } from './forms';
import { useAttempt } from './hooks';
import { Button, type Desk, Notice, Sentence, Shown } from './parts';
import type { WaitingVersion } from './replies';
import { sayDay } from './words';

export function Versions({ desk }: { desk: Desk }): React.JSX.Element {
  const { trans, workbench } = desk;
  return (
    <Shown desk={desk} known={workbench.waiting} loading={trans.__('Loading versions…')}>
      {waiting =>
        waiting.length === 0 ? (
          <Notice kind="empty">{trans.__('No version waits for a sign-off.')}</Notice>
        ) : (
          <ul className="wb-List">
            {waiting.map(version => (
              <li key={version.version} className="wb-Row wb-Pending" data-waiting={version.dataset}>
                <SignOff desk={desk} version={version} opens />
              </li>
            ))}
          </ul>
        )
      }
    </Shown>
  );
}

/** What is known of a version that waits, and its two ends: published, or rejected with a reason. */
export function SignOff(props: { desk: Desk; version: WaitingVersion; opens?: boolean }): React.JSX.Element {
  const { desk, version, opens } = props;
  const { commands, trans, workbench } = desk;
  const [comment, setComment] = React.useState('');
  const [busy, problem, attempt] = useAttempt();
  const decide = (decision: 'publish' | 'reject'): void => {
    attempt(() => workbench.change(() => workbench.api.signOff(version, decision, comment.trim())));
  };
  const scans = trans._n('%1 scan', '%1 scans', version.scans, version.scans);
  const people = trans._n('%1 person', '%1 people', version.subjects, version.subjects);
  const from = trans.__('brought in by %1', version.uploader);
  return (
    <>
      <p className="wb-RowTitle">
        <span>{trans.__('%1 waits for its sign-off', version.title)}</span>
      </p>
      <p className="wb-Dim">{[scans, people, from, sayDay(version.created), version.note].filter(Boolean).join(' · ')}</p>
      <p className="wb-Dim">{sayFindings(desk, version)}</p>
      {!version.may_publish && (
        <p className="wb-Dim">
          <Sentence text={version.why} />
        </p>
      )}
      <input
        type="text"
        aria-label={trans.__('Comment on the version of %1', version.title)}
        placeholder={trans.__('What you looked at (needed to reject)')}
        value={comment}
        onChange={event => {
          setComment(event.target.value);
        }}
      />
      <Problem text={problem} />
      <div className="wb-Actions">
        {opens && (
          <Button
            disabled={!version.has_report}
            label={trans.__('Open the ingest report of %1', version.title)}
            onClick={() => void commands.execute(CommandIds.openReport, { name: version.dataset, version: version.version })}
          >
            {trans.__('Open report')}
          </Button>
        )}
        <Button
          kind="primary"
          disabled={busy || !version.may_publish}
          label={trans.__('Publish the version of %1', version.title)}
          onClick={() => {
            decide('publish');
          }}
        >
          {trans.__('Publish')}
        </Button>
        <Button
          kind="danger"
          disabled={busy || comment.trim() === ''}
          label={trans.__('Reject the version of %1', version.title)}
          onClick={() => {
            decide('reject');
          }}
        >
          {trans.__('Reject')}
        </Button>
      </div>
    </>
  );
}

function sayFindings({ trans }: Desk, version: WaitingVersion): string {
  if (version.findings === null) {
    return trans.__('The verifier was not asked.');
  }
  return version.findings === 0
    ? trans.__('The verifier found nothing.')
    : trans._n('The verifier has %1 finding.', 'The verifier has %1 findings.', version.findings, version.findings);
}
