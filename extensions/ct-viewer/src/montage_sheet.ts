/** A sheet of slices, head first for axial ones: as many as fit, every so many, one page at a time. */
import { choice as select, numberField, write } from './compare_controls';
import type { Context, OpenLayout } from './context';
import { button, make } from './elements';
import { cellsOf, columnsOf, fittingGrids, strideOf, type MontageChoice } from './montage_grids';
import { listenToSheet } from './montage_input';
import { Picture } from './painter';
import type { PlaneView } from './plane_view';
import { AXIS_LETTERS, PLANE_NAMES } from './planes';
import type { PlaneName } from './types';

export class MontageSheet implements OpenLayout {
  views: PlaneView[] = [];
  readonly sheet = make('div', { class: 'ctv-sheet' });
  private all: PlaneView[] = [];
  private first = 0;
  private turning: 1 | -1 = 1;
  private seen = -1;
  private stamp = '';
  private readonly words = make('span', { class: 'ctv-sheet-words', role: 'status' });
  private readonly grid: HTMLSelectElement;
  private readonly plane: HTMLSelectElement;
  private readonly step = numberField('Every so many slices', '1');
  private readonly picture = new Picture();

  constructor(
    private readonly context: Context,
    host: HTMLElement,
    private readonly chosen: MontageChoice
  ) {
    const [shown] = context.volumes;
    this.plane = select('Plane of the montage', Object.fromEntries(
      PLANE_NAMES.map(name => [name, shown.plane(name).title])
    ));
    this.grid = select('Slices across and down', {});
    this.step.min = '1';
    this.plane.addEventListener('change', () => this.choose({ plane: this.plane.value as PlaneName, step: null }));
    this.grid.addEventListener('change', () => this.choose({ grid: this.grid.value }));
    this.step.addEventListener('change', () => this.choose({ step: Math.max(1, Math.round(this.step.valueAsNumber) || 1) }));
    host.dataset.layout = 'montage';
    host.append(
      make('div', { class: 'ctv-sheet-bar', role: 'group', 'aria-label': 'Montage' },
        this.plane, this.grid, make('label', {}, 'every ', this.step),
        button('Previous', 'Page before (wheel, Page up)', () => this.turn(-1)),
        button('Next', 'Next page (wheel, Page down)', () => this.turn(1)), this.words),
      this.sheet
    );
    listenToSheet(this, context);
    this.build();
  }

  get columns(): number {
    return columnsOf(this.gridNow);
  }

  /** Turn the page; the crosshair stays where it is. */
  turn(by: 1 | -1): void {
    const next = this.first + by * this.stride * this.all.length;
    const isThere = next < this.all[0].count && next + this.stride * this.all.length > 0;
    if (isThere) {
      this.turning = by;
      this.lay(next);
    }
  }

  /** Put the crosshair on the slice `cells` after a view's, turning the page where needed; the focus follows. */
  goFrom(view: PlaneView, cells: number): void {
    const place = this.placeOf(view.wished) + cells * this.stride;
    this.goTo(Math.min(Math.max(place, 0), view.count - 1));
  }

  /** Go to the first or last slice. */
  goToEnd(isLast: boolean): void {
    this.goTo(isLast ? this.all[0].count - 1 : 0);
  }

  /** Show a view's slice alone. */
  open(view: PlaneView): void {
    this.moveTo(view.wished);
    this.context.state.set({ arrangement: view.plane.name });
  }

  update(): void {
    if (this.crosshair !== this.seen) {
      this.seen = this.crosshair;
      this.showCrosshair();
    }
    this.mark();
  }

  draw(): void {
    // Zooming or panning one slice does so for all of them.
    const moved = this.views.find(view => stampOf(view) !== this.stamp);
    if (moved) {
      const { zoom, panX, panY } = moved.camera;
      this.stamp = stampOf(moved);
      for (const view of this.views.filter(one => one !== moved)) {
        Object.assign(view.camera, { zoom, panX, panY });
        view.draw();
      }
    }
  }

  clear(): void {
    this.picture.clear();
  }

  close(): void {
    this.all.forEach(view => view.close());
    this.picture.clear();
    this.views = this.all = [];
  }

  private get crosshair(): number {
    return this.placeOf(this.all[0].atCrosshair);
  }

  /** The grid that was chosen, or the largest one whose slices fit into memory. */
  private get gridNow(): string {
    const fitting = this.fitting;
    return fitting.includes(this.chosen.grid) ? this.chosen.grid : fitting[fitting.length - 1];
  }

  private get fitting(): string[] {
    return fittingGrids(this.context.volumes, this.chosen.plane);
  }

  private get stride(): number {
    return strideOf(this.context.volumes[0], this.chosen);
  }

  /** A slice's place on the sheets, in the order in which the wheel turned down goes: axial ones from the head. */
  private placeOf(index: number): number {
    const [{ plane, count }] = this.all;
    return plane.up > 0 ? count - 1 - index : index;
  }

  private choose(changes: Partial<MontageChoice>): void {
    Object.assign(this.chosen, changes);
    this.build();
    this.context.refresh();
  }

  private build(): void {
    this.all.forEach(view => view.close());
    const cells = cellsOf(this.gridNow);
    this.all = Array.from({ length: cells }, () => {
      const view = this.context.makePlane(this.chosen.plane);
      view.picture = this.picture;
      return view;
    });
    this.sheet.style.setProperty('grid-template-columns', `repeat(${this.columns}, 1fr)`);
    this.sheet.style.setProperty('grid-template-rows', `repeat(${cells / this.columns}, 1fr)`);
    this.sheet.replaceChildren(...this.all.map(view => view.cell));
    this.plane.value = this.chosen.plane;
    this.grid.replaceChildren(...this.fitting.map(grid => make('option', { value: grid }, grid)));
    this.grid.value = this.gridNow;
    write(this.step, this.stride);
    this.step.max = String(Math.max(1, this.all[0].count - 1));
    this.stamp = stampOf(this.all[0]);
    this.seen = this.crosshair;
    this.first = Infinity;
    this.showCrosshair();
    this.mark();
  }

  /** Turn to the page that holds the crosshair; slices between two cells belong to the page, too. */
  private showCrosshair(): void {
    const place = this.crosshair;
    const page = this.stride * this.all.length;
    if (place < this.first || place >= this.first + page) {
      const phase = place % this.stride;
      this.turning = place < this.first ? -1 : 1;
      this.lay(phase + Math.floor((place - phase) / page) * page);
    } else if ((place - this.first) % this.stride !== 0) {
      this.lay(this.first + ((place - this.first) % this.stride));
    }
  }

  private lay(first: number): void {
    const { count } = this.all[0];
    const page = this.stride * this.all.length;
    this.first = first;
    this.all.forEach((view, i) => {
      const place = first + i * this.stride;
      const next = place + this.turning * page;
      view.pin = {
        index: this.placeOf(Math.min(Math.max(place, 0), count - 1)),
        next: next >= 0 && next < count ? this.placeOf(next) : null
      };
      view.cell.hidden = place < 0 || place >= count;
    });
    this.views = this.all.filter(view => !view.cell.hidden);
    this.views.forEach(view => view.resize());
    const [from, to] = [this.views[0].wished, this.views[this.views.length - 1].wished];
    const letter = AXIS_LETTERS[this.views[0].plane.normal];
    this.words.textContent = `${letter} ${from} to ${to} of 0 to ${count - 1}`;
    this.mark();
    this.context.refresh();
  }

  /** Frame the slice of the crosshair; the Tab key finds that one, or the first. */
  private mark(): void {
    const current = this.views.find(view => view.wished === view.atCrosshair);
    const focused = this.views.find(view => view.canvas === view.canvas.ownerDocument.activeElement);
    for (const view of this.views) {
      view.cell.toggleAttribute('data-current', view === current);
      view.canvas.tabIndex = view === (focused ?? current ?? this.views[0]) ? 0 : -1;
    }
  }

  private goTo(place: number): void {
    this.moveTo(this.placeOf(place));
    this.views.find(view => view.wished === view.atCrosshair)?.canvas.focus({ preventScroll: true });
    this.mark();
  }

  private moveTo(index: number): void {
    const { state } = this.context;
    const voxel = state.index;
    voxel[this.all[0].plane.normal] = index;
    state.moveTo(voxel);
  }
}

function stampOf({ camera }: PlaneView): string {
  return [camera.zoom, camera.panX, camera.panY].join();
}
