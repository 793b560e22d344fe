/** The facts of a planned use that a person declares, as a table and as the fields of a form. */

import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';
import { Choice, TextField } from './forms';
import type { Facts } from './replies-governance';

interface Fact {
  name: string;
  kind: 'choice' | 'text' | 'date' | 'use';
  label: (trans: TranslationBundle) => string;
}

/** In the order in which a custodian asks; the names are those of the gateway. */
export const FACTS: Fact[] = [
  { name: 'research_kind', kind: 'use', label: trans => trans.__('Kind of use') },
  { name: 'disease', kind: 'text', label: trans => trans.__('Disease studied') },
  { name: 'is_method_development', kind: 'choice', label: trans => trans.__('Trains models or develops methods') },
  { name: 'is_commercial', kind: 'choice', label: trans => trans.__('Commercial use') },
  { name: 'is_for_profit', kind: 'choice', label: trans => trans.__('For-profit organisation') },
  { name: 'is_ancestry', kind: 'choice', label: trans => trans.__('Studies ancestry or origins') },
  { name: 'is_control_set', kind: 'choice', label: trans => trans.__('Uses the people as controls') },
  { name: 'is_genetic', kind: 'choice', label: trans => trans.__('Genetic study') },
  { name: 'ethics_approval', kind: 'text', label: trans => trans.__('Ethics approval (reference)') },
  { name: 'ethics_until', kind: 'date', label: trans => trans.__('Ethics approval until') },
  { name: 'collaboration', kind: 'text', label: trans => trans.__('Collaboration with') },
  { name: 'will_publish', kind: 'choice', label: trans => trans.__('Results will be published') },
  { name: 'publish_after', kind: 'date', label: trans => trans.__('Not published before') },
  { name: 'will_return', kind: 'choice', label: trans => trans.__('Results will be given back') },
  { name: 'country', kind: 'text', label: trans => trans.__('Country') },
  { name: 'institution', kind: 'text', label: trans => trans.__('Institution') },
  { name: 'project', kind: 'text', label: trans => trans.__('Project') }
];

function uses(trans: TranslationBundle): [string, string][] {
  return [
    ['biomedical', trans.__('health or biomedical research')],
    ['ancestry', trans.__('research on ancestry or origins')],
    ['other', trans.__('other research')],
    ['clinical-care', trans.__('clinical care')],
    ['education', trans.__('education')],
    ['quality', trans.__('quality improvement')]
  ];
}

export function sayFact(value: string | boolean | undefined, trans: TranslationBundle): string {
  if (typeof value === 'boolean') {
    return value ? trans.__('yes') : trans.__('no');
  }
  return uses(trans).find(([name]) => name === value)?.[1] ?? value ?? '—';
}

/** One field per fact; what is left open is not declared, and a person will ask. */
export function FactsFields(props: {
  facts: Facts;
  onChange: (facts: Facts) => void;
  trans: TranslationBundle;
}): React.JSX.Element {
  const { facts, onChange, trans } = props;
  const set = (name: string, value: string | boolean): void => {
    const rest = Object.fromEntries(Object.entries(facts).filter(([key]) => key !== name));
    onChange(value === '' ? rest : { ...rest, [name]: value });
  };
  return (
    <>
      {FACTS.map(({ name, kind, label }) => {
        const value = facts[name];
        if (kind === 'choice' || kind === 'use') {
          const isUse = kind === 'use';
          return (
            <Choice
              key={name}
              label={label(trans)}
              hint={trans.__('not declared')}
              options={isUse ? uses(trans) : [['yes', trans.__('yes')], ['no', trans.__('no')]]}
              value={typeof value === 'boolean' ? (value ? 'yes' : 'no') : (value ?? '')}
              onChange={chosen => {
                set(name, isUse || chosen === '' ? chosen : chosen === 'yes');
              }}
            />
          );
        }
        return (
          <TextField
            key={name}
            label={label(trans)}
            kind={kind}
            value={typeof value === 'string' ? value : ''}
            onChange={text => {
              set(name, text);
            }}
          />
        );
      })}
    </>
  );
}
