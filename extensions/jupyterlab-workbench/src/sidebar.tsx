/** The left sidebar: one section per step of the journey. */

import { SidePanel, refreshIcon, ToolbarButton } from '@jupyterlab/ui-components';
import * as React from 'react';
import { Datasets } from './datasets';
import { workbenchIcon } from './icons';
import { WorkbenchPanel } from './panel';
import type { Desk } from './parts';
import { Requests } from './requests';
import { Tasks } from './tasks';

export class Sidebar extends SidePanel {
  private readonly requests: WorkbenchPanel;

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
    this.toolbar.addItem(
      'refresh',
      new ToolbarButton({
        icon: refreshIcon,
        tooltip: trans.__('Ask the server again'),
        onClick: () => void workbench.refresh()
      })
    );
    this.requests = section(desk, Requests, trans.__('Requests'));
    this.addWidget(section(desk, Datasets, trans.__('Datasets')));
    this.addWidget(section(desk, Tasks, trans.__('Tasks')));
    workbench.changed.connect(() => {
      this.showRequests(workbench.me.value?.roles.includes('custodian') ?? false);
      const waiting = workbench.pending.length;
      this.requests.title.label = waiting ? trans.__('Requests (%1)', waiting) : trans.__('Requests');
    });
  }

  /** Custodians decide; nobody else sees the section. */
  private showRequests(isCustodian: boolean): void {
    if (isCustodian && !this.requests.parent) {
      this.insertWidget(0, this.requests);
    } else if (!isCustodian && this.requests.parent) {
      this.requests.parent = null;
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
    </div>
  );
}
