/** The column beside the planes: one foldable part for each feature that has something to show. */
import type { Feature, Panel } from './context';
import { make } from './elements';

export class SidePanels {
  readonly element = make('aside', { class: 'ctv-side', 'aria-label': 'Lists' });
  private readonly parts: { panel: Panel; details: HTMLDetailsElement }[] = [];

  constructor(features: readonly Feature[]) {
    for (const feature of features) {
      if (feature.panel) {
        const { panel } = feature;
        const details = make(
          'details', { class: 'ctv-panel', open: '', 'data-panel': panel.id },
          make('summary', {}, panel.title), panel.element
        );
        this.parts.push({ panel, details });
        this.element.append(details);
      }
    }
    this.update();
  }

  /** Hide the parts that have nothing to say, and the column when none has. */
  update(): void {
    this.parts.forEach(({ panel, details }) => {
      details.hidden = panel.element.hidden;
    });
    this.element.hidden = this.parts.every(({ details }) => details.hidden);
  }
}
