/** The fields that forms are made of, each with its label tied to it. */

import * as React from 'react';
import { Sentence } from './parts';

interface Labelled {
  label: string;
  value: string;
  onChange: (value: string) => void;
  hint?: string;
  required?: boolean;
  first?: React.RefObject<HTMLElement>;
}

export function TextField(props: Labelled & { kind?: 'text' | 'date' | 'search'; list?: string[] }): React.JSX.Element {
  const id = React.useId();
  return (
    <>
      <label htmlFor={id}>{props.label}</label>
      <input
        id={id}
        type={props.kind ?? 'text'}
        required={props.required}
        placeholder={props.hint}
        list={props.list && `${id}-list`}
        value={props.value}
        onChange={event => {
          props.onChange(event.target.value);
        }}
      />
      {props.list && (
        <datalist id={`${id}-list`}>
          {props.list.map(one => (
            <option key={one} value={one} />
          ))}
        </datalist>
      )}
    </>
  );
}

export function TextArea(props: Labelled & { rows?: number; code?: boolean; longest?: number }): React.JSX.Element {
  const id = React.useId();
  return (
    <>
      <label htmlFor={id}>{props.label}</label>
      <textarea
        id={id}
        className={props.code ? 'wb-Code' : undefined}
        rows={props.rows ?? 2}
        spellCheck={!props.code}
        required={props.required}
        maxLength={props.longest}
        placeholder={props.hint}
        value={props.value}
        onChange={event => {
          props.onChange(event.target.value);
        }}
      />
    </>
  );
}

/** One of several; an empty value shows the hint. */
export function Choice(props: Labelled & { options: [string, string][] }): React.JSX.Element {
  const id = React.useId();
  return (
    <>
      <label htmlFor={id}>{props.label}</label>
      <select
        id={id}
        ref={props.first as React.RefObject<HTMLSelectElement>}
        required={props.required}
        value={props.value}
        onChange={event => {
          props.onChange(event.target.value);
        }}
      >
        {props.hint !== undefined && (
          <option value="" disabled={props.required}>
            {props.hint}
          </option>
        )}
        {props.options.map(([value, label]) => (
          <option key={value} value={value}>
            {label}
          </option>
        ))}
      </select>
    </>
  );
}

/** What went wrong with what was just tried. */
export function Problem({ text }: { text: string | null }): React.JSX.Element | null {
  return (
    text === null ? null : (
      <p className="wb-Problem" role="alert">
        <Sentence text={text} />
      </p>
    )
  );
}
