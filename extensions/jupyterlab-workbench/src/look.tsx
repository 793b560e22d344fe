/** A look at one offered file: text, tables and redrawn pictures, a page at a time; nothing of the file can run. */

import * as React from 'react';
import { Problem } from './forms';
import { useAttempt } from './hooks';
import { Button, type Desk, Notice } from './parts';
import type { PreviewPart } from './replies-airlock';

export function Look({ desk, offer, name }: { desk: Desk; offer: string; name: string }): React.JSX.Element {
  const { trans, workbench } = desk;
  const [parts, setParts] = React.useState<PreviewPart[]>([]);
  const [next, setNext] = React.useState<number | null>(0);
  const [busy, problem, attempt] = useAttempt();
  const more = (start: number): void => {
    attempt(async () => {
      const page = await workbench.api.look(offer, name, start);
      setParts(before => [...before, ...page.parts]);
      setNext(page.next);
    });
  };
  React.useEffect(() => {
    more(0);
  }, []);
  return (
    <section className="wb-Look" aria-label={trans.__('Content of %1', name)}>
      {parts.length === 0 && busy && <Notice kind="loading">{trans.__('Opening %1…', name)}</Notice>}
      {parts.map((part, index) => (
        <Part key={index} part={part} name={name} />
      ))}
      <Problem text={problem} />
      {next !== null && next > 0 && (
        <Button
          disabled={busy}
          onClick={() => {
            more(next);
          }}
        >
          {trans.__('Show what follows')}
        </Button>
      )}
    </section>
  );
}

function Part({ part, name }: { part: PreviewPart; name: string }): React.JSX.Element {
  const label = part.label || name;
  return (
    <figure className="wb-Part">
      {part.label && <figcaption className="wb-Dim">{part.label}</figcaption>}
      {part.kind === 'image' && <img src={asSource(part)} alt={label} />}
      {part.kind === 'text' && (
        <pre tabIndex={0} aria-label={label}>
          {part.text}
        </pre>
      )}
      {part.kind === 'table' && (
        <div className="wb-Scroll" tabIndex={0} role="region" aria-label={label}>
          <table className="wb-Table">
            <thead>
              <tr>
                {part.columns.map((column, index) => (
                  <th key={index} scope="col">
                    {column}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {part.rows.map((row, index) => (
                <tr key={index}>
                  {row.map((cell, place) => (
                    <td key={place}>{cell}</td>
                  ))}
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </figure>
  );
}

/** In an image element browsers neither run nor fetch anything, whatever an SVG asks for. */
function asSource({ png, svg }: { png?: string; svg?: string }): string {
  return png === undefined ? `data:image/svg+xml;utf8,${encodeURIComponent(svg ?? '')}` : `data:image/png;base64,${png}`;
}
