/** Section "Datasets": what exists, whether I may read it, and why (not). */

import * as React from 'react';
import { Access } from './access';
import { standingIcons } from './icons';
import { type Desk, Notice, Sentence, Shown, TierChip } from './parts';
import type { Dataset } from './replies';
import { saySize, sayStanding } from './words';

export function Datasets({ desk }: { desk: Desk }): React.JSX.Element {
  const { trans, workbench } = desk;
  const [words, setWords] = React.useState('');
  const [opened, setOpened] = React.useState<string | null>(null);
  return (
    <Shown desk={desk} known={workbench.datasets} loading={trans.__('Loading the catalogue…')}>
      {datasets => {
        if (datasets.length === 0) {
          return (
            <Notice kind="empty">
              <Sentence
                text={trans.__('No dataset yet. A custodian brings one in with `workbench ingest FOLDER --dataset NAME`.')}
              />
            </Notice>
          );
        }
        const found = datasets.filter(dataset => matches(dataset, words));
        return (
          <>
            <input
              type="search"
              className="wb-Search"
              aria-label={trans.__('Search datasets')}
              placeholder={trans._n('Search %1 dataset', 'Search %1 datasets', datasets.length, datasets.length)}
              value={words}
              onChange={event => {
                setWords(event.target.value);
              }}
            />
            <ul className="wb-List">
              {found.map(dataset => (
                <DatasetRow
                  key={dataset.name}
                  desk={desk}
                  dataset={dataset}
                  isOpen={opened === dataset.name}
                  toggle={() => {
                    setOpened(opened === dataset.name ? null : dataset.name);
                  }}
                />
              ))}
            </ul>
            {found.length === 0 && <Notice kind="empty">{trans.__('No dataset matches “%1”.', words)}</Notice>}
          </>
        );
      }}
    </Shown>
  );
}

function DatasetRow(props: { desk: Desk; dataset: Dataset; isOpen: boolean; toggle: () => void }): React.JSX.Element {
  const { desk, dataset, isOpen } = props;
  const { trans } = desk;
  const Icon = standingIcons[dataset.status];
  return (
    <li className={`wb-Row wb-is-${dataset.status}`} data-dataset={dataset.name}>
      <button type="button" className="wb-RowHead" aria-expanded={isOpen} onClick={props.toggle}>
        <Icon.react tag="span" className="wb-Icon" />
        <span className="wb-RowText">
          <span className="wb-RowTitle">
            <span>{dataset.title}</span>
            <TierChip tier={dataset.tier} trans={trans} />
          </span>
          <span className="wb-Dim">{saySize(dataset, trans)}</span>
          <span className="wb-Standing">{sayStanding(dataset, trans)}</span>
        </span>
      </button>
      {isOpen && <Access desk={desk} dataset={dataset} />}
    </li>
  );
}

function matches(dataset: Dataset, words: string): boolean {
  const text = [dataset.name, dataset.title, dataset.description, dataset.tier, dataset.modality].join(' ').toLowerCase();
  return words
    .toLowerCase()
    .split(/\s+/)
    .every(word => text.includes(word));
}
