/** A report as the HTML it is, in a frame without a single permission: it runs nothing, and sends and fetches nothing. */

import * as React from 'react';
import { useReply } from './hooks';
import { type Desk, Notice } from './parts';

export function ReportFrame(props: {
  desk: Desk;
  title: string;
  fetch: () => Promise<string>;
  /** What the report belongs to; another one is fetched when it changes. */
  subject: string;
}): React.JSX.Element {
  const { trans } = props.desk;
  const report = useReply(props.fetch, props.subject);
  return (
    <section className="wb-Framed">
      <h2>{trans.__('The report')}</h2>
      {report.problem && <Notice kind="failed">{report.problem}</Notice>}
      {!report.value && !report.problem && <Notice kind="loading">{trans.__('Loading the report…')}</Notice>}
      {report.value && <iframe className="wb-Report" title={props.title} sandbox="" srcDoc={report.value} />}
    </section>
  );
}
