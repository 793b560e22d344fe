/** The bar above the planes: title, window, and what the features put there. */
import type { Feature, Layout } from './context';
import { button, make } from './elements';
import type { ShownVolume } from './shown_volume';
import type { ViewState } from './state';

/** What the bar asks of the viewer. */
export interface BarActions {
  resetView(): void;
  undo(): void;
  redo(): void;
  chooseTool(id: string | null): void;
}

export class Controls {
  readonly bar: HTMLElement;
  private readonly preset = make('select', { 'aria-label': 'Window preset' });
  private readonly layout = make('select', { 'aria-label': 'Layout' });
  private readonly level: HTMLInputElement;
  private readonly width: HTMLInputElement;
  private readonly overlays: HTMLButtonElement;
  private readonly undo: HTMLButtonElement;
  private readonly redo: HTMLButtonElement;
  private readonly tools = new Map<string, HTMLButtonElement>();
  private filled = '';

  constructor(
    private readonly state: ViewState,
    volume: ShownVolume,
    features: readonly Feature[],
    private readonly layouts: readonly Layout[],
    actions: BarActions,
    help: HTMLElement
  ) {
    this.preset.addEventListener('change', () => state.setPreset(this.preset.value));
    this.layout.addEventListener('change', () => state.set({ arrangement: this.layout.value }));
    const unit = volume.facts.unit;
    this.level = this.numberField(`Window level in ${unit}`, volume);
    this.width = this.numberField(`Window width in ${unit}`, volume);
    this.width.min = volume.isWhole ? '1' : '0';
    this.overlays = button('Overlays', 'Everything drawn over the picture (space)', () =>
      state.set({ overlays_visible: !state.overlays })
    );
    this.undo = button('Undo', 'Undo (Ctrl + Z)', () => actions.undo());
    this.redo = button('Redo', 'Redo (Ctrl + Shift + Z)', () => actions.redo());
    const reset = button('Reset', 'Back to how the cell opened it (R)', () => actions.resetView());
    this.bar = make(
      'div', { class: 'ctv-bar', role: 'toolbar', 'aria-label': 'CT viewer controls' },
      make('span', { class: 'ctv-title' }, state.get('title')),
      make('label', {}, 'Window ', this.preset),
      make('label', {}, 'L ', this.level),
      make('label', {}, 'W ', this.width),
      make('label', {}, 'Layout ', this.layout),
      ...features.flatMap(feature => feature.controls ?? []),
      this.toolButtons(features, actions), this.undo, this.redo, this.overlays, reset, help
    );
    this.update(null);
  }

  /** Show what is so now; `tool` is the chosen one. */
  update(tool: string | null): void {
    const { window: shown, overlays } = this.state;
    this.fill();
    this.preset.value = shown.name ?? '';
    this.layout.value = this.state.get('arrangement');
    this.level.value = String(shown.level);
    this.width.value = String(shown.width);
    this.overlays.setAttribute('aria-pressed', String(overlays));
    this.undo.disabled = !this.state.mayUndo;
    this.redo.disabled = !this.state.mayRedo;
    for (const [id, element] of this.tools) {
      element.setAttribute('aria-pressed', String(id === tool));
    }
  }

  private fill(): void {
    const presets = this.state.get('presets');
    const offered = this.layouts.filter(layout => layout.isOffered?.() ?? true);
    const stamp = JSON.stringify([presets, offered.map(layout => layout.id)]);
    if (stamp === this.filled) {
      return;
    }
    this.filled = stamp;
    const own = make('option', { value: '', disabled: '' }, 'own window');
    const options = presets.map((preset, i) =>
      make('option', { value: preset.name, title: preset.source }, i < 5 ? `${i + 1}  ${preset.name}` : preset.name)
    );
    this.preset.replaceChildren(...options, own);
    this.layout.replaceChildren(...offered.map(layout => make('option', { value: layout.id }, layout.label)));
  }

  private toolButtons(features: readonly Feature[], actions: BarActions): HTMLElement {
    const group = make('span', { class: 'ctv-tools', role: 'group', 'aria-label': 'Tools' });
    for (const tool of features.flatMap(feature => feature.tools ?? [])) {
      const title = tool.key ? `${tool.title} (${tool.key.toUpperCase()})` : tool.title;
      const element = button(tool.label, title, () => {
        actions.chooseTool(element.getAttribute('aria-pressed') === 'true' ? null : tool.id);
      });
      element.dataset.tool = tool.id;
      this.tools.set(tool.id, element);
      group.append(element);
    }
    return group;
  }

  private numberField(name: string, volume: ShownVolume): HTMLInputElement {
    const field = make('input', { type: 'number', step: volume.isWhole ? '10' : 'any', 'aria-label': name });
    field.addEventListener('change', () => this.state.setWindow(this.level.valueAsNumber, this.width.valueAsNumber));
    return field;
  }
}
