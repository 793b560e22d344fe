/** The left sidebar: one section per step of the journey. */

import { refreshIcon, SidePanel } from '@jupyterlab/ui-components';
import { AccordionPanel } from '@lumino/widgets';
import * as React from 'react';
import { Datasets } from './datasets';
import { workbenchIcon } from './icons';
import { WorkbenchPanel } from './panel';
import type { Desk } from './parts';
import { Requests } from './requests';
import { Tasks } from './tasks';
import { Versions } from './versions';

export class Sidebar extends SidePanel {
  /** Above what everybody sees; each only for those who decide there. */
  private readonly requests: WorkbenchPanel;
  private readonly versions: WorkbenchPanel;

  constructor(desk: Desk) {
    super();
    const { trans, workbench } = desk;
    this.id = 'ai4h-workbench';
    this.addClass('wb-Sidebar');
    this.title.icon = workbenchIcon;
    this.title.caption = trans.__('Workbench: datasets, access and benchmark tasks');
    this.node.setAttribute('role', 'region');
    this.node.setAttribute('aria-label', trans.__('Workbench'));
    this.header.addWidget(new WorkbenchPanel(desk, Person));
    this.requests = section(desk, Requests, trans.__('Requests'));
    this.versions = section(desk, Versions, trans.__('Versions waiting'));
    this.addWidget(section(desk, Datasets, trans.__('Datasets')));
    this.addWidget(section(desk, Tasks, trans.__('Tasks')));
    this.share([3, 2]);
    workbench.changed.connect(() => {
      this.arrange(workbench.reviews, workbench.me.value?.roles.includes('custodian') ?? false);
      const asked = workbench.pending.length;
      this.requests.title.label = asked ? trans.__('Requests (%1)', asked) : trans.__('Requests');
      const waiting = workbench.waiting.value?.length ?? 0;
      this.versions.title.label = waiting ? trans.__('Versions waiting (%1)', waiting) : trans.__('Versions waiting');
    });
  }

  /** Custodians decide on requests, reviewers on versions; nobody else sees these sections. */
  private arrange(reviews: boolean, isCustodian: boolean): void {
    const before = this.widgets.length;
    for (const [panel, isWanted] of [[this.requests, isCustodian], [this.versions, reviews]] as const) {
      if (isWanted && !panel.parent) {
        this.insertWidget(0, panel);
      } else if (!isWanted && panel.parent) {
        panel.parent = null;
      }
    }
    if (this.widgets.length !== before) {
      this.share([...Array<number>(this.widgets.length - 2).fill(2), 3, 2]);
    }
  }

  /** Divide the height between the sections; the reader may drag the dividers afterwards. */
  private share(parts: number[]): void {
    const { content } = this;
    if (content instanceof AccordionPanel) {
      content.setRelativeSizes(parts);
    }
  }
}

function section(desk: Desk, content: React.ComponentType<{ desk: Desk }>, label: string): WorkbenchPanel {
  const panel = new WorkbenchPanel(desk, content);
  panel.title.label = label;
  return panel;
}

/** Who is signed in, at the top. */
function Person({ desk }: { desk: Desk }): React.JSX.Element {
  const { trans, workbench } = desk;
  const me = workbench.me.value;
  if (!me) {
    return <p className="wb-Person">{workbench.me.problem ? trans.__('Not signed in') : trans.__('Signing in…')}</p>;
  }
  return (
    <div className="wb-Person">
      <span className="wb-Avatar" aria-hidden="true">
        {me.person.slice(0, 1).toUpperCase()}
      </span>
      <span className="wb-RowText">
        <strong>{me.person}</strong>
        <span className="wb-Dim">{me.roles.join(' · ')}</span>
      </span>
      <button
        type="button"
        className="wb-IconButton"
        aria-label={trans.__('Ask the server again')}
        title={trans.__('Ask the server again')}
        onClick={() => void workbench.refresh()}
      >
        <refreshIcon.react tag="span" className="wb-Icon" />
      </button>
    </div>
  );
}
