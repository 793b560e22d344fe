/** The list of boxes, contours and measurements: names, values, go to, delete, and numbers of the chosen one. */
import type { Context, Feature } from './context';
import { colourTable } from './contours';
import { BOX_COLOUR } from './box_shape';
import { button, make } from './elements';
import { LONGEST_LABEL, marksOf, nameOf, placeName, type Marked, type MarkList, type Marks } from './marks';
import { MarkEditor } from './mark_editor';
import { marksKeys } from './marks_keys';
import { MEASURE_COLOUR, slabWords, valueWords } from './measure_drawing';
import { AXIS_LETTERS } from './planes';
import type { Triple } from './types';

const TITLES: Record<MarkList, string> = { boxes: 'Boxes', contours: 'Contours', measurements: 'Measurements' };
const LISTS = Object.keys(TITLES) as MarkList[];
// A structure set may hold thousands of contours; those of the slices on screen come first.
const MOST_ROWS = 60;
const AXES = [0, 1, 2] as const;

export function marksPanel(context: Context): Feature {
  const marks = marksOf(context);
  const element = make('div', { class: 'ctv-marks' });
  const editor = new MarkEditor(context, marks);
  const sections = LISTS.map(list => new Section(list, context, marks, editor));
  element.append(...sections.map(section => section.element));
  const update = (): void => {
    element.hidden = LISTS.every(list => context.state.get(list).length === 0);
    sections.forEach(section => section.update());
  };
  marks.onSelect(update);
  return {
    keys: marksKeys(context, marks),
    panel: { id: 'marks', title: 'Marks', element },
    update() {
      marks.check();
      update();
    }
  };
}

/** The rows of one list; they stay the same elements while somebody types in them. */
class Section {
  readonly element = make('section', { class: 'ctv-marks-part' });
  private readonly heading = make('h4');
  private readonly rows = make('ul');
  private readonly more = make('p', { class: 'ctv-quiet' });
  private readonly made = new Map<number, Row>();
  private readonly colours: () => Map<string, string>;

  constructor(
    private readonly list: MarkList,
    private readonly context: Context,
    private readonly marks: Marks,
    private readonly editor: MarkEditor
  ) {
    this.colours = colourTable(context);
    this.element.append(this.heading, this.rows, this.more);
  }

  update(): void {
    const all: readonly Marked[MarkList][] = this.context.state.get(this.list);
    const shown = all.length > MOST_ROWS ? this.nearest(all) : all.map((_, at) => at);
    this.element.hidden = all.length === 0;
    this.heading.textContent = `${TITLES[this.list]} (${all.length})`;
    this.more.hidden = shown.length === all.length;
    this.more.textContent = `${all.length - shown.length} more lie on other slices; they are listed there.`;
    for (const [at, row] of this.made) {
      if (!shown.includes(at)) {
        row.element.remove();
        this.made.delete(at);
      }
    }
    shown.forEach(at => {
      const row = this.made.get(at) ?? new Row(this.list, at, this.context, this.marks);
      if (!this.made.has(at)) {
        this.made.set(at, row);
        // Rows are kept in the order of the list.
        const next = [...this.made.keys()].filter(other => other > at).sort((a, b) => a - b).at(0);
        this.rows.insertBefore(row.element, next === undefined ? null : (this.made.get(next)?.element ?? null));
      }
      row.update(all[at], this.colourOf(all[at]));
      if (this.marks.isChosen(this.list, at)) {
        this.editor.showIn(row.element, this.list, at, all[at]);
      } else if (this.editor.element.parentElement === row.element) {
        this.editor.element.remove();
      }
    });
  }

  /** The places of the marks nearest to the crosshair, in the order of the list. */
  private nearest(all: readonly Marked[MarkList][]): number[] {
    const here = this.context.state.position;
    const away = all.map((mark, at) => ({ at, mm: distance(pointOf(mark), here) + (this.marks.isChosen(this.list, at) ? -1e9 : 0) }));
    return away.sort((a, b) => a.mm - b.mm).slice(0, MOST_ROWS).map(one => one.at).sort((a, b) => a - b);
  }

  private colourOf(mark: Marked[MarkList]): string {
    if ('centre_mm' in mark) {
      return BOX_COLOUR;
    }
    return 'kind' in mark ? MEASURE_COLOUR : (this.colours().get(mark.label) ?? BOX_COLOUR);
  }
}

class Row {
  readonly element = make('li');
  private readonly swatch = make('span', { class: 'ctv-swatch' });
  private readonly field = make('input', { type: 'text', class: 'ctv-name', maxlength: String(LONGEST_LABEL) });
  private readonly go: HTMLButtonElement;
  private readonly remove: HTMLButtonElement;
  private readonly value = make('span', { class: 'ctv-value' });

  constructor(
    private readonly list: MarkList,
    private readonly at: number,
    private readonly context: Context,
    private readonly marks: Marks
  ) {
    this.go = button('Go to', 'Move the crosshair there', () => this.goTo());
    this.remove = button('✕', 'Delete', () => this.delete());
    this.element.append(this.swatch, this.field, this.go, this.remove, this.value);
    this.field.addEventListener('change', () => this.rename());
    // What Python set while the field had the focus.
    this.field.addEventListener('blur', () => (this.field.value = this.mark?.label ?? ''));
    this.element.addEventListener('focusin', event => {
      if (event.target === this.field && !marks.isChosen(list, at)) {
        marks.select({ list, at });
      }
    });
    this.element.addEventListener('click', event => {
      if (!(event.target as HTMLElement).closest('button, input') && !marks.isChosen(list, at)) {
        marks.select({ list, at });
      }
    });
  }

  update(mark: Marked[MarkList], colour: string): void {
    const name = nameOf(this.list, mark, this.at);
    const place = placeName(this.list, mark, this.at);
    const isChosen = this.marks.isChosen(this.list, this.at);
    this.element.toggleAttribute('data-chosen', isChosen);
    this.swatch.style.background = colour;
    this.field.placeholder = place;
    this.field.setAttribute('aria-label', `Name of ${place}`);
    this.field.setAttribute('aria-current', String(isChosen));
    if (document.activeElement !== this.field) {
      this.field.value = mark.label;
    }
    this.go.setAttribute('aria-label', `Go to ${name}`);
    this.remove.setAttribute('aria-label', `Delete ${name}`);
    this.value.textContent = this.words(mark);
  }

  private words(mark: Marked[MarkList]): string {
    if ('centre_mm' in mark) {
      return `${mark.size_mm.map(side => side.toFixed(1)).join(' × ')} mm`;
    }
    if (!('kind' in mark)) {
      const { grid, planes } = this.context.volumes[0];
      const axis = planes.find(plane => plane.name === mark.plane)?.normal ?? 0;
      return `${AXIS_LETTERS[axis]} ${grid.nearest(pointOf(mark))[axis]}, ${mark.points_mm.length} points`;
    }
    const area = mark.statistics ? `, ${mark.statistics.area_mm2.toFixed(1)} mm²${slabWords(mark.statistics)}` : '';
    return valueWords(mark, this.context.volumes[0]) + area;
  }

  private get mark(): Marked[MarkList] | undefined {
    return (this.context.state.get(this.list) as Marked[MarkList][]).at(this.at);
  }

  private goTo(): void {
    const { mark } = this;
    if (mark) {
      this.marks.select({ list: this.list, at: this.at });
      this.context.state.goTo(pointOf(mark));
    }
  }

  private rename(): void {
    const { mark } = this;
    if (mark && mark.label !== this.field.value) {
      this.marks.replace(this.list, this.at, { ...mark, label: this.field.value }, 'rename');
    }
  }

  /** Take the mark away; the focus stays in the list, or goes back to the planes. */
  private delete(): void {
    const before = this.element.previousElementSibling;
    this.marks.remove({ list: this.list, at: this.at });
    const focus = this.element.isConnected ? this.remove : before?.querySelector('button:last-of-type');
    const plane = this.context.root.querySelector('.ctv-plane');
    const target = focus ?? plane;
    if (target instanceof HTMLElement) {
      target.focus();
    }
  }
}

const middles = new WeakMap<readonly Triple[], Triple>();

/** Where a mark is gone to: its middle. */
function pointOf(mark: Marked[MarkList]): Triple {
  if ('centre_mm' in mark) {
    return mark.centre_mm;
  }
  const { points_mm } = mark;
  const found = middles.get(points_mm) ?? (AXES.map(k => points_mm.reduce((sum, point) => sum + point[k], 0) / points_mm.length) as Triple);
  middles.set(points_mm, found);
  return found;
}

function distance(a: Triple, b: Triple): number {
  return Math.hypot(a[0] - b[0], a[1] - b[1], a[2] - b[2]);
}
