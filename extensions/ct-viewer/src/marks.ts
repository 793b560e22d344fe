/** What somebody marked on a scan: the lists, which mark is chosen, one that is being drawn, and changes with undo. */
import type { Context } from './context';
import type { BoxMark, ContourMark, Measurement } from './types';

export interface Marked {
  boxes: BoxMark;
  contours: ContourMark;
  measurements: Measurement;
}
export type MarkList = keyof Marked;

/** A mark by its list and its place there. */
export interface Ref {
  list: MarkList;
  at: number;
}

// What Python reads at most; more is a table, not a picture.
const MOST: Record<MarkList, number> = { boxes: 500, contours: 5000, measurements: 1000 };
export const LONGEST_LABEL = 60;
const WORDS: Record<MarkList, string> = { boxes: 'box', contours: 'contour', measurements: 'measurement' };

export class Marks {
  selected: Ref | null = null;
  /** The point of the chosen mark that the panel's buttons act on. */
  point = 0;
  private held: { ref: Ref; mark: Marked[MarkList] } | null = null;
  private readonly listeners: (() => void)[] = [];

  constructor(private readonly context: Context) {}

  /** Call after another mark was chosen. */
  onSelect(listener: () => void): void {
    this.listeners.push(listener);
  }

  /** The marks as they are drawn, with the one in the hand where it is held. */
  shown<K extends MarkList>(list: K): readonly Marked[K][] {
    const marks = this.context.state.get(list) as Marked[K][];
    const { held } = this;
    if (held?.ref.list !== list) {
      return marks;
    }
    return marks.map((mark, at) => (at === held.ref.at ? (held.mark as Marked[K]) : mark));
  }

  /** The chosen mark of a list, if it is still there. */
  chosen<K extends MarkList>(list: K): { at: number; mark: Marked[K] } | null {
    const { selected } = this;
    const mark = selected?.list === list ? this.shown(list).at(selected.at) : undefined;
    return selected && mark ? { at: selected.at, mark } : null;
  }

  isChosen(list: MarkList, at: number): boolean {
    return this.selected?.list === list && this.selected.at === at;
  }

  select(ref: Ref | null, point = 0): void {
    this.selected = ref;
    this.point = point;
    this.listeners.forEach(listener => listener());
    this.context.redraw();
  }

  /** Draw a mark as the hand has it, before it is let go. */
  hold<K extends MarkList>(list: K, at: number, mark: Marked[K]): void {
    this.held = { ref: { list, at }, mark };
    this.context.redraw();
  }

  letGo(): void {
    this.held = null;
    this.context.redraw();
  }

  add<K extends MarkList>(list: K, mark: Marked[K]): boolean {
    const marks = this.context.state.get(list) as Marked[K][];
    if (marks.length >= MOST[list]) {
      this.context.say(`There are ${marks.length} ${list} already, and no more can be shown; delete some first.`);
      return false;
    }
    this.context.state.edit(`draw ${nameOf(list, mark, marks.length)}`, { [list]: [...marks, mark] });
    this.select({ list, at: marks.length });
    return true;
  }

  replace<K extends MarkList>(list: K, at: number, mark: Marked[K], verb: string): void {
    this.held = null;
    const marks = this.context.state.get(list) as Marked[K][];
    if (at < marks.length) {
      const changed = marks.map((one, i) => (i === at ? mark : one));
      this.context.state.edit(`${verb} ${nameOf(list, mark, at)}`, { [list]: changed });
    }
  }

  remove({ list, at }: Ref): void {
    const marks: readonly Marked[MarkList][] = this.context.state.get(list);
    if (at >= marks.length) {
      return;
    }
    const name = nameOf(list, marks[at], at);
    this.context.state.edit(`delete ${name}`, { [list]: marks.filter((_, i) => i !== at) });
    const { selected } = this;
    if (selected?.list === list && selected.at >= at) {
      this.select(selected.at === at ? null : { list, at: selected.at - 1 });
    }
    this.context.say(`Deleted ${name}; Ctrl + Z brings it back`);
  }

  /** Let go of a choice that is no longer there, after undo or a change by Python. */
  check(): void {
    const { selected } = this;
    if (selected && selected.at >= this.context.state.get(selected.list).length) {
      this.select(null);
    }
  }
}

const known = new WeakMap<Context, Marks>();

/** The marks of one view. */
export function marksOf(context: Context): Marks {
  const found = known.get(context) ?? new Marks(context);
  known.set(context, found);
  return found;
}

/** What a mark is called: its label, or its kind and number. */
export function nameOf(list: MarkList, mark: Marked[MarkList], at: number): string {
  return mark.label || placeName(list, mark, at);
}

/** Its kind and number, whatever its label. */
export function placeName(list: MarkList, mark: Marked[MarkList], at: number): string {
  return `${'kind' in mark ? mark.kind : WORDS[list]} ${at + 1}`;
}
