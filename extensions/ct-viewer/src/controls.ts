/** The bar above the planes and the line below them. */
import type { Actions } from './input';
import type { ViewState } from './state';

type Attributes = Record<string, string>;

/** Make an element with attributes and children. */
export function make<K extends keyof HTMLElementTagNameMap>(
  tag: K, attributes: Attributes = {}, ...children: (Node | string)[]
): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    element.setAttribute(name, value);
  }
  element.append(...children);
  return element;
}

const KEYS: [string, string][] = [
  ['wheel, arrows', 'step through the slices (Page up / down: ten, Home / End: first and last)'],
  ['click', 'move the crosshair; the other planes follow'],
  ['right drag', 'window: sideways width, up and down level'],
  ['middle drag, Shift + arrows', 'pan'],
  ['Ctrl + wheel, + and −', 'zoom'],
  ['1 – 5', 'window presets'],
  ['space', 'crosshair and boxes on or off'],
  ['R', 'back to how the cell opened it']
];

export class Controls {
  readonly bar: HTMLElement;
  private readonly preset: HTMLSelectElement;
  private readonly level: HTMLInputElement;
  private readonly width: HTMLInputElement;
  private readonly overlays: HTMLButtonElement;
  private readonly boxes: HTMLSelectElement;
  private boxesShown = '';

  constructor(
    private readonly state: ViewState,
    actions: Actions,
    title: string
  ) {
    const own = make('option', { value: '', disabled: '' }, 'own window');
    const options = state.presets.map((preset, i) =>
      make('option', { value: preset.name, title: preset.source }, i < 5 ? `${i + 1}  ${preset.name}` : preset.name)
    );
    this.preset = make('select', { 'aria-label': 'Window preset' }, ...options, own);
    this.preset.addEventListener('change', () => state.setPreset(this.preset.value));
    this.level = this.numberField('Window level in HU', () => this.typeWindow());
    this.width = this.numberField('Window width in HU', () => this.typeWindow());
    this.width.min = '1';
    this.overlays = make('button', { type: 'button', title: 'Crosshair and boxes (space)' }, 'Overlays');
    this.overlays.addEventListener('click', () => state.setOverlays(!state.overlays));
    const reset = make('button', { type: 'button', title: 'Back to how the cell opened it (R)' }, 'Reset');
    reset.addEventListener('click', () => actions.resetView());
    this.boxes = make('select', { 'aria-label': 'Go to a box' });
    this.boxes.addEventListener('change', () => {
      state.goToBox(Number(this.boxes.value));
      this.boxes.value = '';
    });
    this.bar = make(
      'div', { class: 'ctv-bar', role: 'toolbar', 'aria-label': 'CT viewer controls' },
      make('span', { class: 'ctv-title' }, title),
      make('label', {}, 'Window ', this.preset),
      make('label', {}, 'L ', this.level),
      make('label', {}, 'W ', this.width),
      this.boxes, this.overlays, reset, help()
    );
    this.update();
  }

  update(): void {
    const { window: shown, overlays, marks } = this.state;
    this.preset.value = shown.name ?? '';
    this.level.value = String(shown.level);
    this.width.value = String(shown.width);
    this.overlays.setAttribute('aria-pressed', String(overlays));
    const labels = JSON.stringify(marks.map(mark => mark.label));
    if (labels !== this.boxesShown) {
      this.boxesShown = labels;
      const title = make('option', { value: '' }, `Boxes (${marks.length})`);
      const options = marks.map((mark, i) => make('option', { value: String(i) }, mark.label || `box ${i + 1}`));
      this.boxes.replaceChildren(title, ...options);
      this.boxes.hidden = marks.length === 0;
    }
  }

  private numberField(name: string, listener: () => void): HTMLInputElement {
    const field = make('input', { type: 'number', step: '10', 'aria-label': name });
    field.addEventListener('change', listener);
    return field;
  }

  private typeWindow(): void {
    this.state.setWindow(this.level.valueAsNumber, this.width.valueAsNumber);
  }
}

function help(): HTMLElement {
  const list = make('dl', {}, ...KEYS.flatMap(([keys, what]) => [make('dt', {}, keys), make('dd', {}, what)]));
  const details = make('details', { class: 'ctv-help' }, make('summary', { 'aria-label': 'Mouse and keys' }, '?'), list);
  details.addEventListener('keydown', event => {
    if (event.key === 'Escape') {
      details.open = false;
    }
  });
  return details;
}
