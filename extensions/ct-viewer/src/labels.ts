/** Label layers over the slices: regions in colour, their edges, and their names under the pointer. */
import type { Context, Feature, Key, Pen, PlanePoint } from './context';
import { LabelPicture, LabelStyle } from './label_paint';
import { LabelPanel } from './label_panel';
import type { PlaneView } from './plane_view';
import { keyOf, type Slice, type SliceAsk } from './slices';
import type { LabelLayer } from './types';

export function labels(context: Context): Feature {
  return new Labels(context);
}

class Labels implements Feature {
  readonly panel;
  readonly keys: Key[] = [
    { key: 'l', what: 'labels on or off', run: () => this.turn() },
    { key: 'o', what: 'labels as outlines or filled', run: () => this.outline() }
  ];
  private readonly list: LabelPanel;
  private readonly styles = new Map<string, LabelStyle>();
  private readonly pictures = new Map<PlaneView, Map<string, LabelPicture>>();
  /** What was on before all were turned off. */
  private wereOn: string[] = [];

  constructor(private readonly context: Context) {
    this.list = new LabelPanel(context);
    this.panel = { id: 'labels', title: 'Labels', element: this.list.element };
  }

  update(): void {
    this.list.update();
    const known = new Set(this.layers.map(layer => layer.id));
    [...this.styles.keys()].filter(id => !known.has(id)).forEach(id => this.styles.delete(id));
    [...this.pictures.keys()].filter(view => !this.context.views.includes(view)).forEach(view => this.pictures.delete(view));
  }

  /** Take every pixel out of memory. */
  clear(): void {
    this.pictures.forEach(pictures => pictures.forEach(picture => picture.clear()));
  }

  close(): void {
    this.list.close();
  }

  wants(view: PlaneView, index: number): SliceAsk[] {
    return this.drawn.map(layer => askOf(layer, view, index));
  }

  under(pen: Pen): void {
    const { canvas } = pen.view;
    const seen: string[] = [];
    for (const layer of this.drawn) {
      const slice = this.sliceOf(layer, pen.view, pen.shown);
      if (slice) {
        this.paint(pen, layer, slice);
        seen.push(layer.id);
      }
    }
    canvas.dataset.labels = seen.join(' ');
  }

  hover(at: PlanePoint): string {
    const { normal, row, column } = at.view.plane;
    const [r, c] = [Math.floor(at.index[row] + 0.5), Math.floor(at.index[column] + 0.5)];
    const names = this.drawn.map(layer => {
      const slice = this.sliceOf(layer, at.view, at.index[normal]);
      const value = slice && r >= 0 && c >= 0 && r < slice.rows && c < slice.columns ? slice.values[r * slice.columns + c] : 0;
      return value && this.style(layer).pixels[value] ? nameOf(layer, value) : '';
    });
    // The layer on top is the one that is seen.
    return names.reverse().filter(name => name).join(', ');
  }

  private get layers(): LabelLayer[] {
    return this.context.state.get('labels');
  }

  private get drawn(): LabelLayer[] {
    return this.context.state.overlays ? this.layers.filter(layer => layer.visible) : [];
  }

  private paint(pen: Pen, layer: LabelLayer, slice: Slice): void {
    const { context, view, camera } = pen;
    const picture = this.picture(view, layer);
    picture.paint(slice, this.style(layer));
    if (!layer.outline) {
      context.globalAlpha = layer.opacity;
      view.place(context, picture.canvas, 1, false);
      context.globalAlpha = 1;
    }
    picture.outline(context, camera);
  }

  private sliceOf(layer: LabelLayer, view: PlaneView, index: number): Slice | undefined {
    return this.context.source.refusal === null ? this.context.source.cache.get(keyOf(askOf(layer, view, index))) : undefined;
  }

  private style(layer: LabelLayer): LabelStyle {
    let style = this.styles.get(layer.id);
    if (style?.layer !== layer) {
      style = new LabelStyle(layer);
      this.styles.set(layer.id, style);
    }
    return style;
  }

  private picture(view: PlaneView, layer: LabelLayer): LabelPicture {
    const pictures = this.pictures.get(view) ?? new Map<string, LabelPicture>();
    this.pictures.set(view, pictures);
    const picture = pictures.get(layer.id) ?? new LabelPicture();
    pictures.set(layer.id, picture);
    return picture;
  }

  /** All off; then those on again that were on. */
  private turn(): boolean {
    const { layers } = this;
    const on = layers.filter(layer => layer.visible).map(layer => layer.id);
    const wanted = on.length > 0 ? [] : this.wereOn.length > 0 ? this.wereOn : layers.map(layer => layer.id);
    this.wereOn = on;
    return this.change(layer => ({ visible: wanted.includes(layer.id) }), wanted.length > 0 ? 'Labels shown' : 'Labels hidden');
  }

  private outline(): boolean {
    const outline = !this.layers.every(layer => layer.outline);
    return this.change(() => ({ outline }), outline ? 'Labels as outlines' : 'Labels filled');
  }

  private change(make: (layer: LabelLayer) => Partial<LabelLayer>, said: string): boolean {
    if (this.layers.length === 0) {
      return false;
    }
    this.context.state.set({ labels: this.layers.map(layer => ({ ...layer, ...make(layer) })) });
    this.context.say(said);
    return true;
  }
}

function askOf(layer: LabelLayer, view: PlaneView, index: number): SliceAsk {
  const { id } = view.volume;
  const on = layer.on_grid && id === 'v0' ? '' : id;
  const { name, isTurned } = view.plane;
  return { layer: layer.id, plane: name, index, level: 0, slab_mm: 0, mode: 'mean', on, isTurned };
}

/** What a value stands for. */
function nameOf(layer: LabelLayer, value: number): string {
  return layer.segments.find(segment => segment.value === value)?.label ?? `label ${value}`;
}
