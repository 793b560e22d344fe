/** The main-area pages: opened once per dataset or task, restored with the layout. */

import type { ILayoutRestorer, JupyterFrontEnd } from '@jupyterlab/application';
import { MainAreaWidget, WidgetTracker } from '@jupyterlab/apputils';
import * as React from 'react';
import { CommandIds } from './command-ids';
import { DatasetPage } from './dataset-page';
import { datasetIcon, taskIcon } from './icons';
import { WorkbenchPanel } from './panel';
import type { Desk } from './parts';
import { TaskPage } from './task-page';

type Kind = 'dataset' | 'task';

/** A page knows what it shows, so that the layout can be restored from it. */
class Page extends WorkbenchPanel {
  constructor(
    desk: Desk,
    readonly kind: Kind,
    readonly subject: string
  ) {
    super(desk, kind === 'dataset' ? () => <DatasetPage desk={desk} name={subject} /> : () => <TaskPage desk={desk} id={subject} />);
  }
}

export class Pages {
  private readonly trackers: Record<Kind, WidgetTracker<MainAreaWidget<Page>>> = {
    dataset: new WidgetTracker<MainAreaWidget<Page>>({ namespace: 'workbench-datasets' }),
    task: new WidgetTracker<MainAreaWidget<Page>>({ namespace: 'workbench-tasks' })
  };

  constructor(
    private readonly shell: JupyterFrontEnd.IShell,
    private readonly desk: Desk
  ) {}

  open(kind: Kind, subject: string): void {
    const tracker = this.trackers[kind];
    const page = tracker.find(widget => widget.content.subject === subject) ?? this.make(kind, subject);
    if (!page.isAttached) {
      this.shell.add(page, 'main');
    }
    this.shell.activateById(page.id);
  }

  restore(restorer: ILayoutRestorer): void {
    void restorer.restore(this.trackers.dataset, {
      command: CommandIds.openDataset,
      args: widget => ({ name: widget.content.subject }),
      name: widget => widget.content.subject
    });
    void restorer.restore(this.trackers.task, {
      command: CommandIds.openTask,
      args: widget => ({ task: widget.content.subject }),
      name: widget => widget.content.subject
    });
  }

  private make(kind: Kind, subject: string): MainAreaWidget<Page> {
    const { workbench } = this.desk;
    const page = new MainAreaWidget({ content: new Page(this.desk, kind, subject) });
    page.toolbar.hide();
    page.id = `workbench-${kind}-${subject}`;
    page.title.icon = kind === 'dataset' ? datasetIcon : taskIcon;
    page.title.closable = true;
    const name = (): void => {
      const known = kind === 'dataset' ? workbench.dataset(subject) : workbench.task(subject);
      page.title.label = known?.title ?? subject;
    };
    name();
    // A page that a link or the restored layout opened is there before the titles are known.
    workbench.changed.connect(name);
    page.disposed.connect(() => workbench.changed.disconnect(name));
    void this.trackers[kind].add(page);
    return page;
  }
}
