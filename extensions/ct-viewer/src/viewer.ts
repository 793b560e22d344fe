/** One view of the widget: planes in a layout, their controls, the features, and what they ask of the source. */
import type { Context, Feature, Key, Layout, OpenLayout, PlanePoint, Tool } from './context';
import { Controls } from './controls';
import { button, make } from './elements';
import { FEATURES } from './features';
import { listenToPlane, type Actions } from './input';
import { help, listenToKeys } from './keys';
import { planeLayouts } from './layouts';
import { PlaneView } from './plane_view';
import { ShownVolume } from './shown_volume';
import { SidePanels } from './side_panels';
import type { Listener, SliceSource } from './source';
import { ViewState } from './state';
import { Travel } from './travel';
import type { Model, PlaneName, Triple } from './types';
import { viewerKeys } from './viewer_keys';
import { place } from './words';

export class Viewer implements Context, Actions, Listener {
  readonly state: ViewState;
  readonly volumes: ShownVolume[];
  readonly features: Feature[] = [];
  readonly root: HTMLElement;
  focused: PlaneView | null = null;
  tool: Tool | null = null;
  private readonly controls: Controls;
  private readonly panels: SidePanels;
  private readonly layouts: Layout[];
  private readonly ground = make('div', { class: 'ctv-ground' });
  private readonly crosshair = make('span', { class: 'ctv-place' });
  private readonly cursor = make('span', { class: 'ctv-cursor' });
  private readonly said = make('span', { class: 'ctv-said', role: 'status' });
  private readonly notice = make('span', { class: 'ctv-notice', role: 'status' });
  private readonly refusal = make('div', { class: 'ctv-refusal', role: 'alert' });
  private readonly observer = new ResizeObserver(() => this.resize());
  private readonly travel = new Travel();
  private layout: { id: string; open: OpenLayout } | null = null;
  private frame = 0;

  constructor(
    readonly model: Model,
    host: HTMLElement,
    readonly source: SliceSource,
    readonly moduleUrl: (name: string) => string | null
  ) {
    this.volumes = model.get('volumes').map(facts => new ShownVolume(facts));
    this.state = new ViewState(model, this.volumes[0]);
    FEATURES.forEach(install => this.features.push(install(this)));
    this.layouts = [...planeLayouts(this), ...this.features.flatMap(feature => feature.layouts ?? [])];
    const keys: Key[] = viewerKeys(this);
    this.controls = new Controls(
      this.state, this.volumes[0], this.features, this.layouts, this, help(keys, this.features)
    );
    this.panels = new SidePanels(this.features);
    const title = model.get('title');
    this.root = make(
      'section',
      // JupyterLab would take 1, R and the arrows for commands on the cell.
      { class: 'ctv', 'aria-label': `CT viewer, ${title}`, 'data-lm-suppress-shortcuts': 'true' },
      this.controls.bar,
      make('div', { class: 'ctv-body' }, make('div', { class: 'ctv-planes' }, this.ground, this.refusal), this.panels.element),
      make('div', { class: 'ctv-status' }, this.crosshair, this.cursor, this.said, this.notice)
    );
    host.append(this.root);
    listenToKeys(this.root, keys, this.features, () => this.focused);
    this.state.onChange(() => this.onState());
    this.observer.observe(this.root);
    this.onRefusal(source.refusal);
    this.onState();
    this.resize();
  }

  get views(): readonly PlaneView[] {
    return this.layout?.open.views ?? [];
  }

  makePlane(name: PlaneName, volume = 0): PlaneView {
    const shown = this.volumes[volume];
    const view = new PlaneView(shown.plane(name), shown, this.state, this.source, this.features);
    listenToPlane(view, this.state, this);
    return view;
  }

  chooseTool(id: string | null): void {
    this.tool?.cancel?.();
    this.tool = this.features.flatMap(feature => feature.tools ?? []).find(tool => tool.id === id) ?? null;
    this.root.dataset.tool = this.tool?.id ?? '';
    this.ground.style.cursor = this.tool?.cursor ?? '';
    this.say(this.tool ? this.tool.title : '');
    this.controls.update(this.tool?.id ?? null);
    this.redraw();
  }

  undo(): void {
    const what = this.state.undo();
    this.say(what ? `Undone: ${what}` : 'Nothing to undo');
  }

  redo(): void {
    const what = this.state.redo();
    this.say(what ? `Done again: ${what}` : 'Nothing to do again');
  }

  resetView(): void {
    this.views.forEach(view => view.camera.reset());
    this.state.reset();
  }

  redraw(): void {
    this.frame ||= requestAnimationFrame(() => this.draw());
  }

  refresh(): void {
    this.source.wish(this, this.travel.wish(this.views, this.state.get('slab_mm') > 0, this.source.isSlow));
    this.redraw();
  }

  say(sentence: string): void {
    this.said.textContent = sentence;
  }

  focus(view: PlaneView): void {
    this.focused = view;
  }

  hover(at: PlanePoint | null): void {
    const stored = at?.view.storedAt(at.index) ?? null;
    if (!at || stored === null) {
      this.cursor.textContent = '';
      return;
    }
    const voxel = at.index.map(value => Math.floor(value + 0.5)) as Triple;
    const { volume } = at.view;
    const words = this.features.map(feature => feature.hover?.(at) ?? '').filter(word => word);
    this.cursor.textContent = [
      `cursor ${place(volume.grid.toPatient(voxel))}: ${volume.say(stored)}`, ...words
    ].join(' · ');
  }

  onSlice(): void {
    this.redraw();
  }

  onRefusal(sentence: string | null): void {
    this.refusal.hidden = sentence === null;
    this.root.toggleAttribute('data-refused', sentence !== null);
    if (sentence === null) {
      return;
    }
    const again = button('Check access again', 'Ask the server once more', () => this.source.retry());
    this.refusal.replaceChildren(make('p', {}, sentence), again);
    this.cursor.textContent = '';
    this.views.forEach(view => view.clear());
    this.layout?.open.clear?.();
    this.features.forEach(feature => feature.clear?.());
    // At once and not with the next frame, which a hidden page never gets.
    this.draw();
  }

  onTrouble(sentence: string | null): void {
    this.notice.textContent = sentence ?? '';
  }

  close(): void {
    cancelAnimationFrame(this.frame);
    this.observer.disconnect();
    this.features.forEach(feature => feature.close?.());
    this.layout?.open.close();
    this.state.close();
    this.source.leave(this);
    this.root.remove();
  }

  private onState(): void {
    this.openLayout();
    this.travel.follow(this.views);
    this.features.forEach(feature => feature.update?.());
    this.layout?.open.update?.();
    this.controls.update(this.tool?.id ?? null);
    this.panels.update();
    this.refresh();
  }

  private openLayout(): void {
    const wished = this.state.get('arrangement');
    const found = this.layouts.find(one => one.id === wished && (one.isOffered?.() ?? true)) ?? this.layouts[0];
    if (found.id === this.layout?.id) {
      return;
    }
    this.layout?.open.close();
    this.ground.replaceChildren();
    this.focused = null;
    this.layout = { id: found.id, open: found.open(this.ground) };
    this.root.dataset.layout = found.id;
    this.resize();
  }

  private resize(): void {
    this.views.forEach(view => view.resize());
    this.layout?.open.resize?.();
    this.draw();
  }

  private draw(): void {
    cancelAnimationFrame(this.frame);
    this.frame = 0;
    this.views.forEach(view => view.draw());
    this.layout?.open.draw?.();
    const { state, root } = this;
    const [z, y, x] = state.index;
    const at = this.views.find(
      view => view.volume.id === 'v0' && view.isComplete && view.shownIndex === state.index[view.plane.normal]
    );
    const stored = at?.storedAt(state.index) ?? null;
    this.crosshair.textContent =
      `crosshair ${place(state.position)}` +
      (stored === null ? '' : `: ${this.volumes[0].say(stored)}`) +
      `, voxel [${z}, ${y}, ${x}]`;
    // Read by tests and by the measurement of the first picture.
    root.dataset.cacheBytes = String(this.source.cache.bytes);
    root.toggleAttribute('data-complete', this.source.refusal === null && this.views.every(view => view.isComplete));
  }
}
