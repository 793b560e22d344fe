/** Files of the workspace, newest first, to be chosen from: those that the airlock can judge, or another list. */

import * as React from 'react';
import { useReply } from './hooks';
import { type Desk, Notice } from './parts';
import type { WorkspaceFile } from './replies-airlock';
import { sayBytes, sayDay } from './words';

export function ChooseFiles(props: {
  desk: Desk;
  chosen: string[];
  onChange: (chosen: string[]) => void;
  one?: boolean;
  label: string;
  /** Gives the files; those that can be offered when left out. */
  list?: () => Promise<WorkspaceFile[]>;
  /** What is said when there are none. */
  empty?: string;
}): React.JSX.Element {
  const { desk, chosen, onChange, one, label, list, empty } = props;
  const { trans, workbench } = desk;
  const [words, setWords] = React.useState('');
  const files = useReply(list ?? ((): Promise<WorkspaceFile[]> => workbench.api.workspaceFiles()), 'files');
  const name = React.useId();
  if (files.problem) {
    return <Notice kind="failed">{files.problem}</Notice>;
  }
  if (!files.value) {
    return <Notice kind="loading">{trans.__('Looking through your workspace…')}</Notice>;
  }
  if (files.value.length === 0) {
    return (
      <Notice kind="empty">
        {empty ?? trans.__('Your workspace holds no file that can be offered. Save a figure, a table, a report or a model first.')}
      </Notice>
    );
  }
  const found = files.value.filter(file => file.path.toLowerCase().includes(words.toLowerCase()) || chosen.includes(file.path));
  return (
    <fieldset className="wb-Choose">
      <legend>{label}</legend>
      <input
        type="search"
        aria-label={trans.__('Search files of your workspace')}
        placeholder={trans._n('Search %1 file', 'Search %1 files', files.value.length, files.value.length)}
        value={words}
        onChange={event => {
          setWords(event.target.value);
        }}
      />
      <div className="wb-Scroll">
        {found.map(file => (
          <label key={file.path}>
            <input
              type={one ? 'radio' : 'checkbox'}
              name={name}
              checked={chosen.includes(file.path)}
              onChange={event => {
                const others = one ? [] : chosen.filter(path => path !== file.path);
                onChange(event.target.checked ? [...others, file.path] : others);
              }}
            />
            <span>{file.path}</span>
            <span className="wb-Dim">{file.modified && [sayBytes(file.bytes), sayDay(file.modified)].join(' · ')}</span>
          </label>
        ))}
      </div>
    </fieldset>
  );
}
