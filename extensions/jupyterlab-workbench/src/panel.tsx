/** The widget under every section and page: React that draws again when the workbench has news. */

import { ReactWidget, UseSignal } from '@jupyterlab/ui-components';
import * as React from 'react';
import type { Desk } from './parts';

export class WorkbenchPanel extends ReactWidget {
  constructor(
    protected readonly desk: Desk,
    private readonly Content: React.ComponentType<{ desk: Desk }>
  ) {
    super();
    this.addClass('wb-Panel');
  }

  protected override render(): React.JSX.Element {
    const { Content, desk } = this;
    return <UseSignal signal={desk.workbench.changed}>{() => <Content desk={desk} />}</UseSignal>;
  }
}
