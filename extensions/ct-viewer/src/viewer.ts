/** One view of the widget: three linked planes, their controls, and what they ask of the slices' source. */
import type { SliceKey } from './cache';
import { Controls, make } from './controls';
import { listenToKeys, listenToPlane, type Actions } from './input';
import { PlaneView } from './plane_view';
import { layPlanes } from './planes';
import type { Listener, SliceSource } from './source';
import { ViewState } from './state';
import type { Model, Triple } from './types';
import { GreyTable } from './windowing';
import { place, signed } from './words';

// How many slices are fetched ahead of the scroll; also how many behind are not given up.
const AHEAD = 8;
const BEHIND = 2;

export class Viewer implements Actions, Listener {
  private readonly state: ViewState;
  private readonly views: PlaneView[];
  private readonly controls: Controls;
  private readonly root: HTMLElement;
  private readonly crosshair = make('span', { class: 'ctv-place' });
  private readonly cursor = make('span', { class: 'ctv-cursor' });
  private readonly notice = make('span', { class: 'ctv-notice', role: 'status' });
  private readonly refusal = make('div', { class: 'ctv-refusal', role: 'alert' });
  private readonly observer = new ResizeObserver(() => this.resize());
  private previous: Triple;
  private travel: { view: PlaneView; by: number } | null = null;
  private frame = 0;

  constructor(model: Model, host: HTMLElement, private readonly source: SliceSource) {
    this.state = new ViewState(model);
    this.previous = this.state.index;
    const table = new GreyTable();
    this.views = layPlanes(this.state.grid).map(plane => new PlaneView(plane, this.state, source, table));
    this.controls = new Controls(this.state, this, model.get('title'));
    const planes = this.views.map(view => make('div', { class: `ctv-cell ctv-${view.plane.name}` }, view.canvas));
    this.root = make(
      'section',
      // JupyterLab would take 1, R and the arrows for commands on the cell.
      { class: 'ctv', 'aria-label': `CT viewer, ${model.get('title')}`, 'data-lm-suppress-shortcuts': 'true' },
      this.controls.bar,
      make('div', { class: 'ctv-planes' }, ...planes, this.refusal),
      make('div', { class: 'ctv-status' }, this.crosshair, this.cursor, this.notice)
    );
    host.append(this.root);
    this.views.forEach(view => listenToPlane(view, this.state, this));
    listenToKeys(this.root, this.state, this);
    this.state.onChange(() => this.onState());
    this.observer.observe(this.root);
    this.onRefusal(source.refusal);
    this.resize();
    this.onState();
  }

  redraw(): void {
    this.frame ||= requestAnimationFrame(() => this.draw());
  }

  resetView(): void {
    this.views.forEach(view => view.camera.reset());
    this.state.reset();
  }

  hover(view: PlaneView, at: [number, number] | null): void {
    const [column, row] = at ? view.camera.toSlice(...at) : [-1, -1];
    const value = view.valueAt(column, row);
    if (value === null) {
      this.cursor.textContent = '';
      return;
    }
    const index = this.state.index;
    index[view.plane.column] = Math.floor(column + 0.5);
    index[view.plane.row] = Math.floor(row + 0.5);
    this.cursor.textContent = `cursor ${place(this.state.grid.toPatient(index))}: ${signed(value)} HU`;
  }

  onSlice(key: SliceKey): void {
    if (this.views.some(view => view.key === key)) {
      this.redraw();
    }
  }

  onRefusal(sentence: string | null): void {
    this.refusal.hidden = sentence === null;
    this.root.toggleAttribute('data-refused', sentence !== null);
    if (sentence === null) {
      return;
    }
    const again = make('button', { type: 'button' }, 'Check access again');
    again.addEventListener('click', () => this.source.retry());
    this.refusal.replaceChildren(make('p', {}, sentence), again);
    this.cursor.textContent = '';
    this.views.forEach(view => view.clear());
    this.redraw();
  }

  onTrouble(sentence: string | null): void {
    this.notice.textContent = sentence ?? '';
  }

  close(): void {
    cancelAnimationFrame(this.frame);
    this.observer.disconnect();
    this.state.close();
    this.source.leave(this);
    this.root.remove();
  }

  private onState(): void {
    const index = this.state.index;
    for (const view of this.views) {
      const by = index[view.plane.normal] - this.previous[view.plane.normal];
      if (by !== 0 && Math.abs(by) <= AHEAD) {
        this.travel = { view, by: Math.sign(by) };
      }
    }
    this.previous = index;
    this.source.wish(this, { visible: this.views.map(view => view.key), ahead: this.ahead() });
    this.controls.update();
    this.redraw();
  }

  /** What will be wished next if the hand goes on as it does; before it moves, the neighbours of the large plane. */
  private ahead(): SliceKey[] {
    const { view, by } = this.travel ?? { view: this.views[0], by: -this.views[0].plane.up };
    const keys: SliceKey[] = [];
    const offsets = this.travel
      ? [...range(AHEAD), ...range(BEHIND).map(offset => -offset)]
      : range(2).flatMap(offset => [-offset, offset]);
    for (const offset of offsets) {
      const index = view.wished + offset * by;
      if (index >= 0 && index < view.count) {
        keys.push(`${view.plane.name}/${index}`);
      }
    }
    return keys;
  }

  private resize(): void {
    this.views.forEach(view => view.resize());
    this.draw();
  }

  private draw(): void {
    cancelAnimationFrame(this.frame);
    this.frame = 0;
    this.views.forEach(view => view.draw());
    const { state, root } = this;
    const [z, y, x] = state.index;
    const onCrosshair = this.views[0].isComplete ? this.views[0].valueAt(x, y) : null;
    this.crosshair.textContent =
      `crosshair ${place(state.position)}` +
      (onCrosshair === null ? '' : `: ${signed(onCrosshair)} HU`) +
      `, voxel [${z}, ${y}, ${x}]`;
    // Read by tests and by the measurement of the first picture.
    root.dataset.cacheBytes = String(this.source.cache.bytes);
    root.toggleAttribute('data-complete', this.views.every(view => view.isComplete));
  }
}


function range(count: number): number[] {
  return Array.from({ length: count }, (_, i) => i + 1);
}
