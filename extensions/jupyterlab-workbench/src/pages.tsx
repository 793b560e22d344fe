/** The main-area pages: opened once per thing they show, restored with the layout. */

import type { ILayoutRestorer, JupyterFrontEnd } from '@jupyterlab/application';
import { MainAreaWidget, WidgetTracker } from '@jupyterlab/apputils';
import type { LabIcon } from '@jupyterlab/ui-components';
import type { ReadonlyPartialJSONObject } from '@lumino/coreutils';
import * as React from 'react';
import { AuditPage } from './audit-page';
import { CommandIds } from './command-ids';
import { CratePage } from './crate-page';
import { DatasetPage } from './dataset-page';
import { airlockIcon, auditIcon, datasetIcon, notebookIcon, reportIcon, taskIcon, workbenchIcon } from './icons';
import { NewOfferPage } from './new-offer-page';
import { OfferPage } from './offer-page';
import { WorkbenchPanel } from './panel';
import type { Desk } from './parts';
import { ReportPage } from './report-page';
import { RequestPage } from './request-page';
import { RulesPage } from './rules-page';
import { RunFormPage } from './run-form-page';
import { RunPage } from './run-page';
import { TaskPage } from './task-page';
import { partsOf, VerdictPage } from './verdict-page';

interface Kind {
  icon: LabIcon;
  /** What opens it again from a restored layout, and with what. */
  command: string;
  args: (subject: string) => ReadonlyPartialJSONObject;
  title: (desk: Desk, subject: string) => string;
  content: (desk: Desk, subject: string, close: () => void) => React.JSX.Element;
}

const titleOf = ({ workbench }: Desk, name: string): string => workbench.dataset(name)?.title ?? name;

const lastName = (path: string): string => path.slice(Math.max(path.lastIndexOf('/'), path.lastIndexOf(':')) + 1);

const KINDS = {
  dataset: {
    icon: datasetIcon,
    command: CommandIds.openDataset,
    args: name => ({ name }),
    title: titleOf,
    content: (desk, name) => <DatasetPage desk={desk} name={name} />
  },
  task: {
    icon: taskIcon,
    command: CommandIds.openTask,
    args: task => ({ task }),
    title: ({ workbench }, task) => workbench.task(task)?.title ?? task,
    content: (desk, id) => <TaskPage desk={desk} id={id} />
  },
  report: {
    icon: notebookIcon,
    command: CommandIds.openReport,
    args: subject => {
      const [name = '', version = ''] = subject.split('/');
      return { name, version };
    },
    title: (desk, subject) => desk.trans.__('Report: %1', titleOf(desk, subject.split('/')[0] ?? '')),
    content: (desk, subject) => <ReportPage desk={desk} subject={subject} />
  },
  request: {
    icon: workbenchIcon,
    command: CommandIds.openRequest,
    args: request => ({ request }),
    title: ({ trans }, request) => trans.__('Request %1', request),
    content: (desk, id) => <RequestPage desk={desk} id={id} />
  },
  rules: {
    icon: workbenchIcon,
    command: CommandIds.openRules,
    args: name => ({ name }),
    title: (desk, name) => desk.trans.__('Rules: %1', titleOf(desk, name)),
    content: (desk, name) => <RulesPage desk={desk} name={name} />
  },
  offer: {
    icon: airlockIcon,
    command: CommandIds.openOffer,
    args: offer => ({ offer }),
    title: ({ trans }, offer) => trans.__('Release %1', offer),
    content: (desk, id) => <OfferPage desk={desk} id={id} />
  },
  offering: {
    icon: airlockIcon,
    command: CommandIds.offerFiles,
    args: () => ({}),
    title: ({ trans }) => trans.__('Offer files'),
    content: (desk, _, close) => <NewOfferPage desk={desk} onDone={close} />
  },
  form: {
    icon: reportIcon,
    command: CommandIds.runReport,
    args: notebook => ({ notebook }),
    title: ({ trans }, notebook) => trans.__('Run: %1', lastName(notebook)),
    content: (desk, notebook) => <RunFormPage desk={desk} notebook={notebook} />
  },
  run: {
    icon: reportIcon,
    command: CommandIds.openRun,
    args: run => ({ run }),
    title: ({ trans, workbench }, id) => {
      const run = workbench.run(id);
      return run?.kind === 'reproduce' ? trans.__('Re-run: %1', run.question) : (run?.question ?? trans.__('Run'));
    },
    content: (desk, id) => <RunPage desk={desk} id={id} />
  },
  crate: {
    icon: reportIcon,
    command: CommandIds.openCrate,
    args: path => ({ path }),
    title: ({ trans }, path) => trans.__('Crate: %1', lastName(path)),
    content: (desk, path) => <CratePage desk={desk} path={path} />
  },
  verdict: {
    icon: reportIcon,
    command: CommandIds.openVerdict,
    args: subject => {
      const { path, number } = partsOf(subject);
      return { path, number: String(number) };
    },
    title: ({ trans }, subject) => trans.__('Verdict: %1', lastName(partsOf(subject).path)),
    content: (desk, subject) => <VerdictPage desk={desk} subject={subject} />
  },
  audit: {
    icon: auditIcon,
    command: CommandIds.openAudit,
    args: () => ({}),
    title: ({ trans }) => trans.__('Audit log'),
    content: desk => <AuditPage desk={desk} />
  }
} satisfies Record<string, Kind>;

type Name = keyof typeof KINDS;

/** A page knows what it shows, so that the layout can be restored from it. */
class Page extends WorkbenchPanel {
  constructor(
    desk: Desk,
    readonly kind: Kind,
    readonly subject: string
  ) {
    super(desk, () =>
      kind.content(desk, subject, () => {
        // What closes is the tab around it.
        this.parent?.close();
      })
    );
  }
}

type Tracker = WidgetTracker<MainAreaWidget<Page>>;

export class Pages {
  private readonly trackers: Record<string, Tracker> = {};

  constructor(
    private readonly shell: JupyterFrontEnd.IShell,
    private readonly desk: Desk
  ) {}

  /** Show a page; `subject` is what it is about, as its command names it. */
  open(name: Name, subject = ''): void {
    const page = this.tracker(name).find(widget => widget.content.subject === subject) ?? this.make(name, subject);
    if (!page.isAttached) {
      this.shell.add(page, 'main');
    }
    this.shell.activateById(page.id);
  }

  restore(restorer: ILayoutRestorer): void {
    for (const [name, kind] of Object.entries<Kind>(KINDS)) {
      void restorer.restore(this.tracker(name), {
        command: kind.command,
        args: widget => kind.args(widget.content.subject),
        name: widget => widget.content.subject || name
      });
    }
  }

  private tracker(name: string): Tracker {
    return (this.trackers[name] ??= new WidgetTracker({ namespace: `workbench-${name}s` }));
  }

  private make(name: Name, subject: string): MainAreaWidget<Page> {
    const { desk } = this;
    const kind: Kind = KINDS[name];
    const page = new MainAreaWidget({ content: new Page(desk, kind, subject) });
    page.toolbar.hide();
    page.id = `workbench-${name}-${subject}`;
    page.title.icon = kind.icon;
    page.title.closable = true;
    const say = (): void => {
      page.title.label = kind.title(desk, subject);
    };
    say();
    // A page that a link or the restored layout opened is there before the titles are known.
    desk.workbench.changed.connect(say);
    page.disposed.connect(() => desk.workbench.changed.disconnect(say));
    void this.tracker(name).add(page);
    return page;
  }
}
