/** Two pictures beside each other, and a third that shows in red where they differ; or one laid over the other. */

import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';
import type { PicturePart } from './replies-reports';

type Way = 'side' | 'over';

export function PicturePair({ part, cell, trans }: { part: PicturePart; cell: number; trans: TranslationBundle }): React.JSX.Element {
  const [way, setWay] = React.useState<Way>('side');
  const [share, setShare] = React.useState(50);
  const slider = React.useId();
  const first = trans.__('First run');
  const second = trans.__('Second run');
  const canLay = !part.is_same && part.first !== null && part.second !== null && part.difference !== null;
  return (
    <div className="wb-Pictures" data-same={part.is_same}>
      <div className="wb-PictureHead">
        <span className="wb-Dim">{sayDifference(part, trans)}</span>
        {canLay && (
          <div role="group" aria-label={trans.__('How the pictures of cell %1 are compared', cell)}>
            {(['side', 'over'] as const).map(one => (
              <button
                key={one}
                type="button"
                className="wb-Pick"
                aria-pressed={way === one}
                onClick={() => {
                  setWay(one);
                }}
              >
                {one === 'side' ? trans.__('Side by side') : trans.__('Laid over')}
              </button>
            ))}
          </div>
        )}
      </div>
      {way === 'over' && canLay ? (
        <figure className="wb-Over">
          <div>
            <img src={asPng(part.first)} alt={trans.__('%1, cell %2', first, cell)} />
            <img
              src={asPng(part.second)}
              alt={trans.__('%1, cell %2', second, cell)}
              style={{ clipPath: `inset(0 0 0 ${share}%)` }}
            />
            <span className="wb-Seam" style={{ left: `${share}%` }} aria-hidden="true" />
          </div>
          <label htmlFor={slider} className="wb-Dim">
            {trans.__('%1 to the left, %2 to the right', first, second)}
          </label>
          <input
            id={slider}
            type="range"
            min={0}
            max={100}
            value={share}
            onChange={event => {
              setShare(Number(event.target.value));
            }}
          />
        </figure>
      ) : (
        <div className="wb-Three">
          {part.is_same ? (
            <Shown png={part.first} title={trans.__('Both runs')} alt={trans.__('Both runs, cell %1', cell)} missing="" />
          ) : (
            <>
              <Shown png={part.first} title={first} alt={trans.__('%1, cell %2', first, cell)} missing={trans.__('No picture')} />
              <Shown png={part.second} title={second} alt={trans.__('%1, cell %2', second, cell)} missing={trans.__('No picture')} />
              {part.difference !== null && (
                <Shown
                  png={part.difference}
                  title={trans.__('Difference')}
                  alt={trans.__('Where the pictures of cell %1 differ, in red', cell)}
                  missing=""
                />
              )}
            </>
          )}
        </div>
      )}
    </div>
  );
}

function Shown(props: { png: string | null; title: string; alt: string; missing: string }): React.JSX.Element {
  return (
    <figure className="wb-Shown">
      <figcaption className="wb-Dim">{props.title}</figcaption>
      {props.png === null ? <p className="wb-Dim wb-Missing">{props.missing}</p> : <img src={asPng(props.png)} alt={props.alt} />}
    </figure>
  );
}

function sayDifference(part: PicturePart, trans: TranslationBundle): string {
  if (part.is_same) {
    return trans.__('The picture is the same in both runs, pixel by pixel.');
  }
  if (part.changed === null || part.largest === null) {
    return part.first !== null && part.second !== null
      ? trans.__('The pictures have different sizes.')
      : trans.__('Only one of the runs has this picture.');
  }
  const percent = (value: number): string => (value * 100).toPrecision(2);
  return trans.__('%1 % of the pixels differ, the most by %2 % of a colour.', percent(part.changed), percent(part.largest));
}

function asPng(png: string | null): string {
  return `data:image/png;base64,${png ?? ''}`;
}
