/** The status-bar item: person · purpose · days left, and a menu behind it. */

import { ReactWidget, UseSignal } from '@jupyterlab/ui-components';
import { Menu } from '@lumino/widgets';
import * as React from 'react';
import { CommandIds } from './command-ids';
import { workbenchIcon } from './icons';
import type { Desk } from './parts';
import { sayDaysLeft } from './words';

export class StatusItem extends ReactWidget {
  constructor(private readonly desk: Desk) {
    super();
    this.addClass('wb-Status');
  }

  protected override render(): React.JSX.Element {
    const { trans, workbench } = this.desk;
    return (
      <UseSignal signal={workbench.changed}>
        {() => (
          <button
            type="button"
            aria-haspopup="menu"
            aria-label={trans.__('Workbench: %1', this.text())}
            onClick={event => {
              this.openMenu(event.currentTarget);
            }}
          >
            <workbenchIcon.react tag="span" className="wb-Icon" />
            <span>{this.text()}</span>
          </button>
        )}
      </UseSignal>
    );
  }

  private text(): string {
    const { trans, workbench } = this.desk;
    const me = workbench.me.value;
    if (!me) {
      return workbench.me.problem ? trans.__('Workbench does not answer') : trans.__('Workbench…');
    }
    const grants = workbench.grants;
    const first = grants[0];
    if (!first) {
      return trans.__('%1 · no grant', me.person);
    }
    const what = grants.length === 1 ? workbench.purpose(first.purpose) : trans.__('%1 grants', grants.length);
    return [me.person, what, sayDaysLeft(first.until, trans)].join(' · ');
  }

  private openMenu(anchor: HTMLElement): void {
    const { commands, workbench } = this.desk;
    const menu = new Menu({ commands });
    menu.addClass('wb-StatusMenu');
    for (const grant of workbench.grants) {
      menu.addItem({ command: CommandIds.openDataset, args: { name: grant.name, inMenu: true } });
    }
    if (workbench.grants.length > 0) {
      menu.addItem({ type: 'separator' });
    }
    menu.addItem({ command: CommandIds.showSidebar });
    menu.addItem({ command: CommandIds.createNotebook });
    if (workbench.me.value?.demo) {
      menu.addItem({ type: 'separator' });
      menu.addItem({ command: CommandIds.chooseAccount });
    }
    const place = anchor.getBoundingClientRect();
    menu.open(place.left, place.top, { forceY: false });
    menu.aboutToClose.connect(() => {
      anchor.focus();
    });
  }
}
