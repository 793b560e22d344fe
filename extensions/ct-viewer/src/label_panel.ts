/** The legend: every region with its colour and name, shown or hidden, and the way to its centre. */
import type { Context } from './context';
import { button, make } from './elements';
import type { LabelLayer, Segment, Triple } from './types';

// From this many rows on a field to find one by its name is worth its place.
const FIND_FROM = 10;

interface Row {
  element: HTMLElement;
  box: HTMLInputElement;
  name: HTMLButtonElement;
  swatch: HTMLElement;
}

interface Part {
  element: HTMLElement;
  visible: HTMLInputElement;
  title: HTMLElement;
  opacity: HTMLInputElement;
  fill: HTMLSelectElement;
  rest: HTMLInputElement;
  rows: Map<number, Row>;
}

interface CentreAnswer {
  kind?: string;
  layer?: string;
  value?: number;
  centre_mm?: Triple | null;
  message?: string;
}

export class LabelPanel {
  readonly element = make('div', { class: 'ctv-labels' });
  private readonly parts = new Map<string, Part>();
  private shown: LabelLayer[] | null = null;

  constructor(private readonly context: Context) {
    context.model.on('msg:custom', this.onMessage as never);
  }

  update(): void {
    const layers = this.context.state.get('labels');
    if (layers === this.shown) {
      return;
    }
    this.shown = layers;
    this.element.hidden = layers.length === 0;
    for (const id of [...this.parts.keys()].filter(id => !layers.some(layer => layer.id === id))) {
      this.parts.get(id)?.element.remove();
      this.parts.delete(id);
    }
    for (const layer of layers) {
      let part = this.parts.get(layer.id);
      if (!part) {
        part = this.makePart(layer);
        this.parts.set(layer.id, part);
        this.element.append(part.element);
      }
      fill(part, layer);
    }
  }

  close(): void {
    this.context.model.off('msg:custom', this.onMessage as never);
  }

  private makePart(layer: LabelLayer): Part {
    const { id } = layer;
    const visible = make('input', { type: 'checkbox', 'aria-label': `Show ${layer.title}` });
    visible.addEventListener('change', () => this.change(id, { visible: visible.checked }));
    const opacity = make('input', {
      type: 'range', min: '0', max: '1', step: '0.05', 'aria-label': `Opacity of ${layer.title}`
    });
    opacity.addEventListener('input', () => this.change(id, { opacity: opacity.valueAsNumber }));
    const how = make(
      'select', { 'aria-label': `How ${layer.title} is drawn`, title: 'Filled or outlined (O)' },
      make('option', { value: 'fill' }, 'Filled'), make('option', { value: 'outline' }, 'Outlined')
    );
    how.addEventListener('change', () => this.change(id, { outline: how.value === 'outline' }));
    const rows = new Map(layer.segments.map(segment => [segment.value, this.makeRow(id, segment)]));
    const list = make('div', { class: 'ctv-label-rows' }, ...[...rows.values()].map(row => row.element));
    const rest = make('input', { type: 'checkbox' });
    rest.addEventListener('change', () => this.change(id, { rest_visible: rest.checked }));
    const others = make('label', { class: 'ctv-label-rest' }, rest, `${layer.rest} more, named by their number`);
    others.hidden = layer.rest === 0;
    const title = make('span', { class: 'ctv-layer-title' }, layer.title);
    const all = make(
      'span', { class: 'ctv-label-all' },
      button('All', `Show all of ${layer.title}`, () => this.showAll(id, true)),
      button('None', `Hide all of ${layer.title}`, () => this.showAll(id, false))
    );
    const element = make(
      'div', { class: 'ctv-layer', role: 'group', 'aria-label': layer.title, 'data-layer': id },
      make('label', { class: 'ctv-layer-head' }, visible, title),
      make('div', { class: 'ctv-layer-how' }, how, opacity),
      make('div', { class: 'ctv-layer-how' }, finder(rows, layer), all),
      list, others
    );
    return { element, visible, title, opacity, fill: how, rest, rows };
  }

  private makeRow(id: string, segment: Segment): Row {
    const { value, label } = segment;
    const box = make('input', { type: 'checkbox', 'aria-label': `Show ${label}` });
    box.addEventListener('change', () =>
      this.changeSegments(id, one => (one.value === value ? { ...one, visible: box.checked } : one))
    );
    const swatch = make('span', { class: 'ctv-swatch' });
    const name = button(label, `Go to ${label}`, () => this.goTo(id, value));
    const element = make('div', { class: 'ctv-label-row', 'data-value': String(value) }, box, swatch, name);
    return { element, box, name, swatch };
  }

  private change(id: string, changes: Partial<LabelLayer>): void {
    const { state } = this.context;
    state.set({ labels: state.get('labels').map(layer => (layer.id === id ? { ...layer, ...changes } : layer)) });
  }

  private changeSegments(id: string, make: (segment: Segment) => Segment): void {
    const layer = this.find(id);
    if (layer) {
      this.change(id, { segments: layer.segments.map(make) });
    }
  }

  /** Show or hide the rows that the field for names leaves. */
  private showAll(id: string, visible: boolean): void {
    const rows = this.parts.get(id)?.rows;
    const isListed = (value: number): boolean => rows?.get(value)?.element.hidden === false;
    const everything = [...(rows?.values() ?? [])].every(row => !row.element.hidden);
    this.changeSegments(id, one => (isListed(one.value) ? { ...one, visible } : one));
    this.change(id, everything ? { rest_visible: visible } : {});
  }

  private goTo(id: string, value: number): void {
    const segment = this.find(id)?.segments.find(one => one.value === value);
    if (segment?.centre_mm) {
      this.context.state.goTo(segment.centre_mm);
      this.context.say(`At ${segment.label}`);
    } else if (segment) {
      this.context.say(`Looking for ${segment.label} …`);
      this.context.model.send({ kind: 'centre', layer: id, value });
    }
  }

  private readonly onMessage = (answer: CentreAnswer): void => {
    const segment = this.find(answer.layer ?? '')?.segments.find(one => one.value === answer.value);
    if (answer.kind !== 'centre' || !segment) {
      return;
    }
    if (answer.centre_mm) {
      this.context.state.goTo(answer.centre_mm);
      this.context.say(`At ${segment.label}`);
    } else {
      this.context.say(answer.message ?? `${segment.label} has no voxel in this scan`);
    }
  };

  private find(id: string): LabelLayer | undefined {
    return this.context.state.get('labels').find(layer => layer.id === id);
  }
}

/** Bring what is on the page in line with a layer, without remaking what has the focus. */
function fill(part: Part, layer: LabelLayer): void {
  part.title.textContent = layer.title;
  part.visible.checked = layer.visible;
  part.opacity.value = String(layer.opacity);
  part.opacity.disabled = layer.outline;
  part.fill.value = layer.outline ? 'outline' : 'fill';
  part.rest.checked = layer.rest_visible;
  for (const segment of layer.segments) {
    const row = part.rows.get(segment.value);
    if (row) {
      row.box.checked = segment.visible;
      row.swatch.style.background = segment.colour;
      row.name.textContent = segment.label;
      row.name.setAttribute('aria-label', `Go to ${segment.label}`);
      row.box.setAttribute('aria-label', `Show ${segment.label}`);
      row.name.disabled = segment.is_empty === true;
      row.name.title = segment.is_empty ? `${segment.label} has no voxel in this scan` : `Go to ${segment.label}`;
    }
  }
}

/** A field that leaves only the rows whose names hold what is typed. */
function finder(rows: Map<number, Row>, layer: LabelLayer): HTMLElement {
  const field = make('input', { type: 'search', placeholder: 'Find …', 'aria-label': `Find in ${layer.title}` });
  field.hidden = rows.size < FIND_FROM;
  field.addEventListener('input', () => {
    const wanted = field.value.trim().toLowerCase();
    rows.forEach(row => {
      row.element.hidden = !(row.name.textContent ?? '').toLowerCase().includes(wanted);
    });
  });
  return field;
}
