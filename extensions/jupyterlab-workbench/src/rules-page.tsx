/** Main-area page: what a custodian sets for one dataset – permitted use, training, agreement, policy – and who may what. */

import * as React from 'react';
import { AgreementEditor } from './agreement';
import { Explain } from './explain';
import { type Desk, Notice, TierChip } from './parts';
import { PolicyEditor } from './policy-editor';
import { Projects } from './projects';
import { TrainingRecords } from './training';
import { UsageEditor } from './usage-editor';
import { TrustedVisas } from './visas';

export function RulesPage({ desk, name }: { desk: Desk; name: string }): React.JSX.Element {
  const { trans, workbench } = desk;
  const dataset = workbench.ownDatasets.find(one => one.name === name);
  if (!dataset) {
    return workbench.datasets.value && workbench.me.value ? (
      <Notice kind="failed">{trans.__('You do not set the rules of “%1”; its custodian does.', name)}</Notice>
    ) : (
      <Notice kind="loading">{trans.__('Loading the rules…')}</Notice>
    );
  }
  return (
    <article className="wb-Page" data-rules={name}>
      <header>
        <p className="wb-Eyebrow">{trans.__('Rules · %1', name)}</p>
        <h1>
          {dataset.title} <TierChip tier={dataset.tier} trans={trans} />
        </h1>
        <p className="wb-Lead">
          {trans.__('What is set here counts from the next read on, for everybody, and is written into the audit log.')}
        </p>
      </header>
      <section>
        <h2>{trans.__('Permitted use and training')}</h2>
        <UsageEditor desk={desk} dataset={name} />
      </section>
      <section>
        <h2>{trans.__('Agreement')}</h2>
        <AgreementEditor desk={desk} dataset={name} />
      </section>
      <section>
        <h2>{trans.__('Policy')}</h2>
        <PolicyEditor desk={desk} dataset={name} />
      </section>
      <section>
        <h2>{trans.__('Who may what, and why')}</h2>
        <Explain desk={desk} dataset={name} />
      </section>
      <section>
        <h2>{trans.__('Training records')}</h2>
        <TrainingRecords desk={desk} />
      </section>
      <section>
        <h2>{trans.__('Projects')}</h2>
        <Projects desk={desk} />
      </section>
      <section>
        <h2>{trans.__('Trusted visas')}</h2>
        <TrustedVisas desk={desk} dataset={name} />
      </section>
    </article>
  );
}
