/** Section "Audit": whether the record is whole, its signed checkpoint, and the way to the log. */

import * as React from 'react';
import { CommandIds } from './command-ids';
import { saveAsJson } from './download';
import { Problem } from './forms';
import { useAttempt } from './hooks';
import { Mark } from './checklist';
import { Button, type Desk, Sentence } from './parts';
import type { AuditVerdict } from './replies-governance';

export function Audit({ desk }: { desk: Desk }): React.JSX.Element {
  const { commands, trans } = desk;
  return (
    <div className="wb-Row wb-Pending">
      <AuditTools desk={desk} />
      <div className="wb-Actions">
        <Button onClick={() => void commands.execute(CommandIds.openAudit)}>{trans.__('Open the log')}</Button>
      </div>
    </div>
  );
}

/** Verifying every event, and taking the newest signed checkpoint away to compare it later. */
export function AuditTools({ desk }: { desk: Desk }): React.JSX.Element {
  const { trans, workbench } = desk;
  const [verdict, setVerdict] = React.useState<AuditVerdict | null>(null);
  const [busy, problem, attempt] = useAttempt();
  return (
    <div className="wb-AuditTools">
      <div className="wb-Actions">
        <Button
          kind="primary"
          disabled={busy}
          onClick={() => {
            attempt(async () => {
              setVerdict(await workbench.api.verify());
            });
          }}
        >
          {busy ? trans.__('Checking…') : trans.__('Verify the log')}
        </Button>
        <Button
          disabled={busy}
          label={trans.__('Download the newest signed checkpoint')}
          onClick={() => {
            attempt(async () => {
              saveAsJson(await workbench.api.checkpoint(), 'audit-checkpoint.json');
            });
          }}
        >
          {trans.__('Checkpoint')}
        </Button>
      </div>
      {verdict && <Verdict desk={desk} verdict={verdict} />}
      <Problem text={problem} />
    </div>
  );
}

function Verdict({ desk, verdict }: { desk: Desk; verdict: AuditVerdict }): React.JSX.Element {
  const { trans } = desk;
  return (
    <p role="status" className="wb-Verdict" data-ok={verdict.ok}>
      {verdict.ok ? (
        <Mark answer="yes" word={trans.__('all %1 events are as they were written', verdict.events)} />
      ) : (
        <>
          <Mark answer="no" word={trans.__('the log was changed at event %1', verdict.first_bad ?? '?')} />{' '}
          <Sentence text={verdict.reason ?? ''} />
        </>
      )}
    </p>
  );
}
