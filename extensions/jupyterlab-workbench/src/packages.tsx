/** Section "Packages": what of Python this person's governed kernels have, asking for more, and deciding on requests. */

import * as React from 'react';
import { Problem, TextField } from './forms';
import { useAttempt, useReply } from './hooks';
import { Button, type Desk, Notice, Sentence } from './parts';
import type { PackageRequest, Packages as PackageList } from './replies-governance';

/** An installation takes seconds to a minute; its end shows by itself. */
const LOOK_AGAIN_MS = 2_000;

export function Packages({ desk }: { desk: Desk }): React.JSX.Element {
  const { trans, workbench } = desk;
  const [isInstalling, setIsInstalling] = React.useState(false);
  const look = async (): Promise<PackageList> => {
    const found = await workbench.api.packages();
    setIsInstalling(found.requests.some(one => one.state === 'installing'));
    return found;
  };
  const known = useReply(look, `packages ${workbench.news}`, isInstalling ? LOOK_AGAIN_MS : undefined);
  const [words, setWords] = React.useState('');
  const [reason, setReason] = React.useState('');
  const [busy, problem, attempt] = useAttempt();
  const names = words.split(/[\s,]+/).filter(Boolean);
  if (!known.value) {
    return known.problem ? (
      <Notice kind="failed">{known.problem}</Notice>
    ) : (
      <Notice kind="loading">{trans.__('Loading packages…')}</Notice>
    );
  }
  const { packages, requests, listed } = known.value;
  // Of what failed only the last try is news.
  const open = requests.filter((one, place) => ['installing', 'review'].includes(one.state) || (one.state === 'failed' && place === 0));
  return (
    <>
      <form
        className="wb-Form wb-Row wb-Pending"
        aria-label={trans.__('Install packages')}
        onSubmit={event => {
          event.preventDefault();
          attempt(async () => {
            await workbench.change(() => workbench.api.askPackages(names, reason.trim()));
            setWords('');
            setReason('');
          });
        }}
      >
        <TextField
          label={trans.__('Packages to install')}
          hint={trans.__('lifelines, scikit-survival==0.24')}
          list={listed}
          required
          value={words}
          onChange={setWords}
        />
        <TextField
          label={trans.__('What for (needed for what is not on the list)')}
          value={reason}
          onChange={setReason}
        />
        <Problem text={problem} />
        <div className="wb-Actions">
          <Button kind="primary" submit disabled={busy || names.length === 0}>
            {trans.__('Install')}
          </Button>
        </div>
      </form>
      <ul className="wb-List">
        {open.map(request => (
          <li key={request.id} className="wb-Row wb-Pending" data-package-request={request.id}>
            <Asked desk={desk} request={request} />
          </li>
        ))}
        {packages
          .filter(one => one.asked)
          .map(one => (
            <li key={one.name} className="wb-Row wb-Pending" data-package={one.name}>
              <p className="wb-RowTitle">
                <span>
                  {one.name} {one.version}
                </span>
                <Button
                  disabled={busy}
                  label={trans.__('Remove %1', one.name)}
                  onClick={() => {
                    attempt(() => workbench.change(() => workbench.api.removePackages([one.name])));
                  }}
                >
                  {trans.__('Remove')}
                </Button>
              </p>
              <p className="wb-Dim">{[one.licence || trans.__('licence not stated'), one.sha256.slice(0, 12)].join(' · ')}</p>
            </li>
          ))}
      </ul>
      {packages.length === 0 && (
        <Notice kind="empty">{trans.__('Nothing of your own is installed. What you install is there in every new kernel.')}</Notice>
      )}
    </>
  );
}

/** A request that is under way, waits or failed; somebody who may decides it here. */
function Asked({ desk, request }: { desk: Desk; request: PackageRequest }): React.JSX.Element {
  const { trans, workbench } = desk;
  const [reason, setReason] = React.useState('');
  const [busy, problem, attempt] = useAttempt();
  const decide = (verdict: 'approve' | 'refuse'): void => {
    attempt(() => workbench.change(() => workbench.api.decidePackages(request.id, verdict, reason.trim())));
  };
  return (
    <>
      <p className="wb-RowTitle">
        <span>{[...request.names, ...request.removed.map(name => `− ${name}`)].join(', ')}</span>
        <span className="wb-Chip">{request.state}</span>
      </p>
      <p className="wb-Dim">{[request.person, request.id, request.reason].filter(Boolean).join(' · ')}</p>
      {request.message && (
        <p className="wb-Dim">
          <Sentence text={request.message} />
        </p>
      )}
      {request.may_decide && (
        <>
          <input
            type="text"
            aria-label={trans.__('Reason for the decision on %1', request.id)}
            placeholder={trans.__('Reason (needed to refuse)')}
            value={reason}
            onChange={event => {
              setReason(event.target.value);
            }}
          />
          <div className="wb-Actions">
            <Button
              kind="primary"
              disabled={busy}
              label={trans.__('Approve packages %1', request.id)}
              onClick={() => {
                decide('approve');
              }}
            >
              {trans.__('Approve')}
            </Button>
            <Button
              kind="danger"
              disabled={busy || reason.trim() === ''}
              label={trans.__('Refuse packages %1', request.id)}
              onClick={() => {
                decide('refuse');
              }}
            >
              {trans.__('Refuse')}
            </Button>
          </div>
        </>
      )}
      <Problem text={problem} />
    </>
  );
}
