/** Declared results: each with its value, its interval, and by how much a re-run may differ. */

import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';
import type { Result } from './replies-reports';
import { sayInterval, sayNumber } from './words';

export function ResultsTable({ results, trans }: { results: Result[]; trans: TranslationBundle }): React.JSX.Element {
  return results.length === 0 ? (
    <p className="wb-Dim">{trans.__('This notebook declares no results; a re-run is compared by its outputs.')}</p>
  ) : (
    <table className="wb-Table">
      <thead>
        <tr>
          <th scope="col">{trans.__('Result')}</th>
          <th scope="col" className="wb-Number">
            {trans.__('Value')}
          </th>
          <th scope="col">{trans.__('95 % interval')}</th>
          <th scope="col" className="wb-Number">
            {trans.__('Tolerance')}
          </th>
          <th scope="col">{trans.__('Metric')}</th>
        </tr>
      </thead>
      <tbody>
        {results.map(result => (
          <tr key={result.name}>
            <th scope="row">{result.name}</th>
            <td className="wb-Number">
              <strong>{sayNumber(result.value)}</strong>
            </td>
            <td>{sayInterval(result.interval)}</td>
            <td className="wb-Number">{sayNumber(result.tolerance)}</td>
            <td className="wb-Dim">{result.metric ?? ''}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
