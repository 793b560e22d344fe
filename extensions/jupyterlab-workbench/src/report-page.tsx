/** Main-area page: the ingest report of one version, and its sign-off while it waits. */

import * as React from 'react';
import { useReply } from './hooks';
import { type Desk, Notice } from './parts';
import { SignOff } from './versions';

/** A report's place in the layout: "DATASET/VERSION". */
export function ReportPage({ desk, subject }: { desk: Desk; subject: string }): React.JSX.Element {
  const { trans, workbench } = desk;
  const [dataset = '', version = ''] = subject.split('/');
  const report = useReply(() => workbench.api.report(dataset, version), subject);
  const waiting = workbench.waitingVersion(dataset, version);
  return (
    <article className="wb-Page wb-ReportPage">
      {waiting && (
        <section className="wb-Box wb-Pending" aria-label={trans.__('Sign-off')}>
          <SignOff desk={desk} version={waiting} />
        </section>
      )}
      {report.problem && <Notice kind="failed">{report.problem}</Notice>}
      {!report.value && !report.problem && <Notice kind="loading">{trans.__('Loading the report…')}</Notice>}
      {report.value && (
        // Without a single permission: the page in it runs nothing, and sends and fetches nothing.
        <iframe className="wb-Report" title={trans.__('Ingest report of %1', dataset)} sandbox="" srcDoc={report.value} />
      )}
    </article>
  );
}
