/** What the automatic checks found in a file, gravest first. */

import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';
import { Mark } from './checklist';
import { Sentence } from './parts';
import type { Finding } from './replies-airlock';

export function Findings({ findings, trans }: { findings: Finding[]; trans: TranslationBundle }): React.JSX.Element {
  if (findings.length === 0) {
    return <Mark answer="yes" word={trans.__('nothing found')} />;
  }
  const stops = findings.filter(finding => finding.severity === 'stop');
  const ordered = [...stops, ...findings.filter(finding => finding.severity !== 'stop')];
  return (
    <ul className="wb-Findings">
      {ordered.map((finding, index) => (
        <li key={index} data-rule={finding.rule}>
          <Mark
            answer={finding.severity === 'stop' ? 'no' : 'review'}
            word={finding.severity === 'stop' ? trans.__('stops the release') : trans.__('look')}
          />{' '}
          <strong>{finding.place}</strong> <Sentence text={finding.reason} />
        </li>
      ))}
    </ul>
  );
}
