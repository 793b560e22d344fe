/** The cells of two runs: those that differ side by side, those that do not folded away until somebody asks. */

import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';
import { Problem } from './forms';
import { useAttempt } from './hooks';
import { Button, type Desk } from './parts';
import { PicturePair } from './picture-pair';
import type { CellPart, ComparedCell, TextPart } from './replies-reports';
import { SplitText } from './split-text';

export function ComparedCells(props: {
  desk: Desk;
  cells: ComparedCell[];
  path: string;
  number: number;
  diverging: number | null;
}): React.JSX.Element {
  const { desk, cells, path, number, diverging } = props;
  const { trans } = desk;
  const other = cells.filter(cell => !cell.is_same);
  const shown = cells.filter(cell => cell.kind === 'code');
  return (
    <section className="wb-ComparedCells" aria-label={trans.__('Both runs, cell by cell')}>
      <h2>{trans.__('Cell by cell')}</h2>
      <p className="wb-Dim">
        {other.length === 0
          ? trans.__('All %1 cells are the same in both runs.', cells.length)
          : trans._n('%1 of %2 cells differs.', '%1 of %2 cells differ.', other.length, cells.length)}
      </p>
      {shown.map(cell => (
        <Compared key={cell.number} desk={desk} cell={cell} path={path} number={number} isFirst={cell.number === diverging} />
      ))}
    </section>
  );
}

function Compared(props: {
  desk: Desk;
  cell: ComparedCell;
  path: string;
  number: number;
  isFirst: boolean;
}): React.JSX.Element {
  const { desk, cell, path, number, isFirst } = props;
  const { trans, workbench } = desk;
  const [parts, setParts] = React.useState<CellPart[] | null>(cell.is_same ? null : cell.parts);
  const [busy, problem, attempt] = useAttempt();
  const place = React.useRef<HTMLElement>(null);
  React.useEffect(() => {
    if (isFirst) {
      // Where the runs part is what somebody comes for; the verdict above stays in sight on a tall screen.
      place.current?.scrollIntoView({ block: 'nearest' });
    }
  }, []);
  return (
    <section
      ref={place}
      className={`wb-ComparedCell${cell.is_same ? '' : ' wb-mod-differs'}`}
      data-cell={cell.number}
      data-same={cell.is_same}
      aria-label={trans.__('Cell %1', cell.number)}
    >
      <header>
        <strong>{trans.__('Cell %1', cell.number)}</strong>
        <code className="wb-OneLine">{cell.source.split('\n')[0]}</code>
        <span className={`wb-Chip ${cell.is_same ? 'wb-verdict-IDENTICAL' : 'wb-verdict-DIFFERENT'}`}>
          {cell.is_same ? trans.__('the same') : isFirst ? trans.__('first that differs') : trans.__('differs')}
        </span>
        {cell.is_same && (
          <Button
            disabled={busy}
            label={parts ? trans.__('Hide the outputs of cell %1', cell.number) : trans.__('Show the outputs of cell %1', cell.number)}
            onClick={() => {
              attempt(async () => {
                setParts(parts ? null : await workbench.api.reports.cell(path, number, cell.number));
              });
            }}
          >
            {parts ? trans.__('Hide') : trans.__('Show')}
          </Button>
        )}
      </header>
      <Problem text={problem} />
      {parts?.length === 0 && <p className="wb-Dim">{trans.__('It has no output.')}</p>}
      {parts?.map((part, index) =>
        part.kind === 'picture' ? (
          <PicturePair key={index} part={part} cell={cell.number} trans={trans} />
        ) : (
          <TextPair key={index} part={part} cell={cell.number} trans={trans} />
        )
      )}
    </section>
  );
}

function TextPair({ part, cell, trans }: { part: TextPart; cell: number; trans: TranslationBundle }): React.JSX.Element {
  const labels: Record<TextPart['label'], string> = {
    source: trans.__('Code'),
    output: trans.__('Output'),
    printed: trans.__('Printed'),
    error: trans.__('Error')
  };
  const sides = [
    ['first', trans.__('First run'), part.first],
    ['second', trans.__('Second run'), part.second]
  ] as const;
  return (
    <div className="wb-Pair" data-same={part.is_same}>
      {sides.map(([side, title, spans]) => (
        <figure key={side} className={`wb-Side wb-mod-${side}`}>
          <figcaption className="wb-Dim">{`${title} · ${labels[part.label]}`}</figcaption>
          {spans === null ? (
            <p className="wb-Dim wb-Missing">{trans.__('It has no such output.')}</p>
          ) : (
            <pre tabIndex={0} aria-label={trans.__('%1 of cell %2, %3', labels[part.label], cell, title)}>
              <SplitText spans={spans} side={side} />
            </pre>
          )}
        </figure>
      ))}
      {part.is_cut && <p className="wb-Dim">{trans.__('Only the beginning is shown.')}</p>}
    </div>
  );
}
