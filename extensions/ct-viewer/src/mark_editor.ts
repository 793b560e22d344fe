/** The numbers of the chosen mark: centre and size of a box, the points of a contour or measurement. */
import { isInVolume } from './box_shape';
import { withNumbers } from './boxes';
import type { Context } from './context';
import { addPoint, removePoint } from './contours';
import { button, make } from './elements';
import { inside, lift, type Spot } from './flat';
import type { Marked, MarkList, Marks } from './marks';
import { numberWords, slabWords } from './measure_drawing';
import { measurerOf } from './measurer';
import type { PlaneView } from './plane_view';
import { areaOf } from './polygon';
import type { BoxMark, ContourMark, Measurement, Triple } from './types';

const AXES = ['x', 'y', 'z'];

export class MarkEditor {
  readonly element = make('div', { class: 'ctv-editor' });
  private readonly numbers: HTMLInputElement[] = [];
  private readonly boxPart = make('div', { class: 'ctv-numbers' });
  private readonly pointPart = make('div', { class: 'ctv-points' });
  private readonly detail = make('p', { class: 'ctv-quiet' });
  private readonly pointField = make('input', { type: 'number', min: '1', step: '1' });
  private readonly pointCount = make('span');
  private readonly only: HTMLButtonElement[];
  private shown: { list: MarkList; at: number; mark: Marked[MarkList] } | null = null;

  constructor(
    private readonly context: Context,
    private readonly marks: Marks
  ) {
    for (const part of ['Centre', 'Size']) {
      this.boxPart.append(make('span', {}, `${part}, mm`));
      for (const axis of AXES) {
        const name = `${part} ${axis} in mm`;
        const field = make('input', { type: 'number', step: 'any', 'aria-label': name, title: name });
        field.addEventListener('change', () => this.takeNumbers());
        field.addEventListener('blur', () => this.refill());
        this.numbers.push(field);
        this.boxPart.append(field);
      }
    }
    this.pointField.setAttribute('aria-label', 'Point');
    this.pointField.addEventListener('input', () => this.choosePoint());
    const move = button('To crosshair', 'Put this point at the crosshair', () => this.movePoint());
    this.only = [
      button('Add', 'Add a point after this one, at the crosshair', () => this.insertPoint()),
      button('Remove', 'Take this point away', () => removePoint(context, marks, marks.point))
    ];
    this.pointPart.append(make('label', {}, 'Point ', this.pointField), this.pointCount, move, ...this.only);
    this.element.append(this.boxPart, this.pointPart, this.detail);
  }

  /** Show the numbers of a mark below its row. */
  showIn(row: HTMLElement, list: MarkList, at: number, mark: Marked[MarkList]): void {
    this.shown = { list, at, mark };
    if (this.element.parentElement !== row) {
      row.append(this.element);
    }
    const isBox = 'centre_mm' in mark;
    this.boxPart.hidden = !isBox;
    this.pointPart.hidden = isBox;
    this.detail.hidden = isBox || !('kind' in mark) || !mark.statistics;
    if (isBox) {
      this.fill(mark);
      return;
    }
    this.only.forEach(one => (one.hidden = 'kind' in mark));
    this.pointField.max = String(mark.points_mm.length);
    this.pointCount.textContent = ` of ${mark.points_mm.length}`;
    if (document.activeElement !== this.pointField) {
      this.pointField.value = String(this.marks.point + 1);
    }
    this.detail.textContent = 'kind' in mark ? this.statistics(mark) : '';
  }

  private fill(mark: BoxMark): void {
    [...mark.centre_mm, ...mark.size_mm].forEach((value, i) => {
      if (document.activeElement !== this.numbers[i]) {
        this.numbers[i].value = String(Number(value.toFixed(2)));
      }
    });
  }

  /** Show what is so, also what Python set while a field had the focus. */
  private refill(): void {
    const chosen = this.marks.chosen('boxes');
    if (chosen) {
      this.fill(chosen.mark);
    }
  }

  private statistics({ statistics }: Measurement): string {
    if (!statistics) {
      return '';
    }
    const [low, high] = [statistics.minimum, statistics.maximum].map(value => numberWords(value, this.context.volumes[0]));
    return `Minimum ${low}, maximum ${high}, ${statistics.pixels} pixels${slabWords(statistics)}`;
  }

  private takeNumbers(): void {
    const chosen = this.marks.chosen('boxes');
    if (!chosen) {
      return;
    }
    const old = [...chosen.mark.centre_mm, ...chosen.mark.size_mm];
    // A field that shows its number rounded, and was not touched, keeps all digits.
    const now = this.numbers.map((field, i) =>
      field.value === String(Number(old[i].toFixed(2))) ? old[i] : field.valueAsNumber
    );
    const made = withNumbers(chosen.mark, now.slice(0, 3) as Triple, now.slice(3) as Triple);
    const isOutside = typeof made !== 'string' && !isInVolume(made, this.context.volumes[0].grid);
    if (typeof made === 'string' || isOutside) {
      this.context.say(typeof made === 'string' ? made : 'There the box would lie outside of the volume; it stays as it was.');
      this.numbers.forEach((field, i) => (field.value = String(Number(old[i].toFixed(2)))));
      return;
    }
    this.marks.replace('boxes', chosen.at, made, 'change');
  }

  private choosePoint(): void {
    const { shown } = this;
    const wanted = this.pointField.valueAsNumber - 1;
    if (shown && 'points_mm' in shown.mark && Number.isInteger(wanted) && wanted >= 0 && wanted < shown.mark.points_mm.length) {
      this.marks.select({ list: shown.list, at: shown.at }, wanted);
    }
  }

  /** The plane that a mark lies on, its slice, and the crosshair's spot there. */
  private spot(mark: ContourMark | Measurement): { view: PlaneView; slice: number; spot: Spot; spots: Spot[] } {
    const { context } = this;
    const view = context.views.find(one => one.volume.id === 'v0' && one.plane.name === mark.plane) ?? context.makePlane(mark.plane);
    const { plane, volume } = view;
    const at = volume.grid.toIndex(context.state.position);
    const index = mark.points_mm.map(point => volume.grid.toIndex(point));
    return {
      view, slice: Math.floor(index[0][plane.normal] + 0.5), spot: inside([at[plane.column], at[plane.row]], view),
      spots: index.map(one => [one[plane.column], one[plane.row]] as Spot)
    };
  }

  private movePoint(): void {
    const { shown, marks, context } = this;
    if (!shown || 'centre_mm' in shown.mark) {
      return;
    }
    const { list, at, mark } = shown;
    const { view, slice, spot, spots } = this.spot(mark);
    const moved = spots.map((one, i) => (i === marks.point ? spot : one));
    if ('kind' in mark) {
      measurerOf(context).change(at, mark, { view, slice, spots: moved }, 'reshape');
    } else if (areaOf(moved) > 0) {
      marks.replace(list, at, { ...mark, points_mm: lift(moved, slice, view) }, 'move a point of');
    } else {
      context.say('There the contour would enclose nothing; the point stays.');
    }
  }

  private insertPoint(): void {
    const chosen = this.marks.chosen('contours');
    if (chosen) {
      const { view, spot } = this.spot(chosen.mark);
      addPoint(this.marks, this.marks.point, spot, view);
    }
  }
}
