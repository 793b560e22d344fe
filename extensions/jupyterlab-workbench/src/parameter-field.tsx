/** One typed parameter of a notebook as a field of a form: its help, its limits, and what is wrong with what was typed. */

import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';
import type { Parameter } from './replies-reports';

/** What stands in a field: text for most types, a tick for "bool". */
export type Typed = string | boolean;

export function ParameterField(props: {
  parameter: Parameter;
  value: Typed;
  problem: string | null;
  onChange: (value: Typed) => void;
  trans: TranslationBundle;
  first?: React.RefObject<HTMLInputElement>;
}): React.JSX.Element {
  const { parameter, value, problem, onChange, trans, first } = props;
  const id = React.useId();
  const says = [`${id}-help`, ...(problem ? [`${id}-problem`] : [])].join(' ');
  const described = { id, 'aria-describedby': says, 'aria-invalid': problem !== null, required: parameter.required };
  return (
    <div className={`wb-Field${problem ? ' wb-mod-wrong' : ''}`} data-parameter={parameter.name}>
      <label htmlFor={id}>
        <code>{parameter.name}</code>
        {parameter.required && <span className="wb-Dim"> {trans.__('needed')}</span>}
      </label>
      {parameter.choices.length > 0 ? (
        <select
          {...described}
          value={String(value)}
          onChange={event => {
            onChange(event.target.value);
          }}
        >
          {parameter.default === null && <option value="">{trans.__('Choose…')}</option>}
          {parameter.choices.map(choice => (
            <option key={String(choice)} value={String(choice)}>
              {String(choice)}
            </option>
          ))}
        </select>
      ) : parameter.type === 'bool' ? (
        <input
          {...described}
          type="checkbox"
          required={false}
          checked={value === true}
          onChange={event => {
            onChange(event.target.checked);
          }}
        />
      ) : (
        <input
          {...described}
          ref={first}
          type="text"
          inputMode={parameter.type === 'int' ? 'numeric' : parameter.type === 'float' ? 'decimal' : 'text'}
          spellCheck={false}
          autoComplete="off"
          value={String(value)}
          onChange={event => {
            onChange(event.target.value);
          }}
        />
      )}
      <p id={`${id}-help`} className="wb-Dim">
        {[parameter.help, sayLimits(parameter, trans)].filter(Boolean).join(' · ')}
      </p>
      {problem && (
        <p id={`${id}-problem`} className="wb-Problem" role="alert">
          {problem}
        </p>
      )}
    </div>
  );
}

/** What a field holds before anybody typed. */
export function initial(parameter: Parameter): Typed {
  const { default: value, type } = parameter;
  if (type === 'bool') {
    return value === true;
  }
  return value === null ? '' : typeof value === 'string' ? value : JSON.stringify(value);
}

/** What is wrong with what was typed, in a sentence; the server looks again before anything starts. */
export function problemOf(parameter: Parameter, typed: Typed, trans: TranslationBundle): string | null {
  const text = String(typed).trim();
  if (text === '' && parameter.type !== 'str') {
    return parameter.required ? trans.__('“%1” needs a value.', parameter.name) : trans.__('“%1” must not be empty.', parameter.name);
  }
  if (parameter.type === 'int' && !/^[+-]?\d+$/.test(text)) {
    return trans.__('“%1” must be a whole number.', parameter.name);
  }
  if (parameter.type === 'float' && !(Number.isFinite(Number(text)) && /\d/.test(text))) {
    return trans.__('“%1” must be a number.', parameter.name);
  }
  if (parameter.type === 'list') {
    return isList(text) ? null : trans.__('“%1” must be a list such as [1, 2].', parameter.name);
  }
  const number = Number(text);
  const isNumber = parameter.type === 'int' || parameter.type === 'float';
  if (isNumber && (number < (parameter.minimum ?? -Infinity) || number > (parameter.maximum ?? Infinity))) {
    return trans.__('“%1” must be %2.', parameter.name, sayRange(parameter, trans));
  }
  return null;
}

function isList(text: string): boolean {
  try {
    return Array.isArray(JSON.parse(text));
  } catch {
    return false;
  }
}

function sayLimits(parameter: Parameter, trans: TranslationBundle): string {
  const kinds: Record<Parameter['type'], string> = {
    int: trans.__('a whole number'),
    float: trans.__('a number'),
    str: trans.__('text'),
    bool: trans.__('yes or no'),
    list: trans.__('a list such as [1, 2]')
  };
  const kind = parameter.choices.length > 0 ? trans.__('one of %1', parameter.choices.length) : kinds[parameter.type];
  return [kind, sayRange(parameter, trans)].filter(Boolean).join(' ');
}

function sayRange({ minimum, maximum }: Parameter, trans: TranslationBundle): string {
  if (minimum !== null && maximum !== null) {
    return trans.__('from %1 to %2', minimum, maximum);
  }
  return minimum !== null ? trans.__('%1 or more', minimum) : maximum !== null ? trans.__('%1 or less', maximum) : '';
}
