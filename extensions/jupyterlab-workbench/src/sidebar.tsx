/** The left sidebar: one section per step of the journey. */

import { refreshIcon, SidePanel } from '@jupyterlab/ui-components';
import { AccordionPanel, type Widget } from '@lumino/widgets';
import * as React from 'react';
import { Airlock } from './airlock';
import { Audit } from './audit';
import { Clusters } from './clusters';
import { Datasets } from './datasets';
import { Holdings } from './holdings';
import { workbenchIcon } from './icons';
import { Jobs } from './jobs';
import { WorkbenchPanel } from './panel';
import type { Desk } from './parts';
import { Packages } from './packages';
import { Reports } from './reports';
import { Requests } from './requests';
import { Tasks } from './tasks';
import { Versions } from './versions';
import type { Workbench } from './workbench';

interface Section {
  content: React.ComponentType<{ desk: Desk }>;
  label: (desk: Desk) => string;
  /** What waits for this person there; shown beside the label. */
  due?: (workbench: Workbench) => number;
  /** Who sees it at all; everybody when left out. */
  isFor?: (workbench: Workbench) => boolean;
  /** Whether it begins open. */
  isOpen: (workbench: Workbench) => boolean;
}

/** In the order of the journey; what somebody has to decide stands first. */
const SECTIONS: Section[] = [
  {
    content: Requests,
    label: ({ trans }) => trans.__('Requests'),
    due: workbench => workbench.pending.length,
    isFor: workbench => workbench.isCustodian,
    isOpen: () => true
  },
  {
    content: Versions,
    label: ({ trans }) => trans.__('Versions waiting'),
    due: workbench => workbench.waiting.value?.length ?? 0,
    isFor: workbench => workbench.reviews,
    isOpen: workbench => (workbench.waiting.value?.length ?? 0) > 0
  },
  { content: Datasets, label: ({ trans }) => trans.__('Datasets'), isOpen: () => true },
  { content: Holdings, label: ({ trans }) => trans.__('Access'), isOpen: () => false },
  { content: Tasks, label: ({ trans }) => trans.__('Tasks'), isOpen: workbench => !workbench.reviews },
  {
    content: Reports,
    label: ({ trans }) => trans.__('Reports'),
    due: workbench => workbench.running.length,
    // Whoever reviews comes for reports and their verdicts.
    isOpen: workbench => workbench.me.value?.roles.includes('reviewer') ?? false
  },
  { content: Clusters, label: ({ trans }) => trans.__('Clusters'), isOpen: () => false },
  { content: Jobs, label: ({ trans }) => trans.__('Jobs'), isOpen: () => false },
  {
    content: Airlock,
    label: ({ trans }) => trans.__('Airlock'),
    due: workbench => workbench.dueOffers.length,
    isOpen: workbench => workbench.dueOffers.length > 0
  },
  { content: Packages, label: ({ trans }) => trans.__('Packages'), isOpen: () => false },
  {
    content: Audit,
    label: ({ trans }) => trans.__('Audit'),
    isFor: workbench => workbench.reviews,
    isOpen: () => false
  }
];

export class Sidebar extends SidePanel {
  private readonly panels: { section: Section; panel: WorkbenchPanel }[];
  private readonly datasets: WorkbenchPanel | undefined;
  private arranged = '';

  constructor(private readonly desk: Desk) {
    super();
    const { trans, workbench } = desk;
    this.id = 'ai4h-workbench';
    this.addClass('wb-Sidebar');
    this.title.icon = workbenchIcon;
    this.title.caption = trans.__('Workbench: datasets, access, benchmark tasks and the airlock');
    this.node.setAttribute('role', 'region');
    this.node.setAttribute('aria-label', trans.__('Workbench'));
    this.header.addWidget(new WorkbenchPanel(desk, Person));
    this.panels = SECTIONS.map(section => ({ section, panel: new WorkbenchPanel(desk, section.content) }));
    this.datasets = this.panels.find(({ section }) => section.content === Datasets)?.panel;
    this.arrange();
    if (this.content instanceof AccordionPanel) {
      this.content.expansionToggled.connect(() => {
        this.share();
      });
    }
    workbench.changed.connect(() => {
      this.arrange();
    });
  }

  /** Show each person their sections; open and close them only when the person's roles are news. */
  private arrange(): void {
    const { workbench } = this.desk;
    const shown = this.panels.filter(({ section }) => section.isFor?.(workbench) ?? true);
    for (const { section, panel } of this.panels) {
      const due = section.due?.(workbench) ?? 0;
      panel.title.label = due ? `${section.label(this.desk)} (${due})` : section.label(this.desk);
      if (panel.parent && !shown.some(one => one.panel === panel)) {
        panel.parent = null;
      }
    }
    shown.forEach(({ panel }, index) => {
      if (!panel.parent) {
        this.insertWidget(index, panel);
      }
    });
    const roles = workbench.me.value?.roles.join() ?? '';
    if (roles !== this.arranged && this.content instanceof AccordionPanel) {
      this.arranged = roles;
      for (const [index, { section }] of shown.entries()) {
        this.content[section.isOpen(workbench) ? 'expand' : 'collapse'](index);
      }
      this.share();
    }
  }

  /** Divide the height between the open sections; the reader may drag the dividers until one is opened or closed. */
  private share(): void {
    if (this.content instanceof AccordionPanel) {
      const weight = (widget: Widget): number => (widget.isHidden ? 0 : widget === this.datasets ? 3 : 2);
      this.content.setRelativeSizes(this.content.widgets.map(weight));
    }
  }
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
