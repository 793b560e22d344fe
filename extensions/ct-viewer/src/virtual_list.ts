/** A list of which only the rows on screen exist, so that thousands of them cost nothing. */
import { make } from './elements';

const ROW_PX = 24;
const BEYOND = 4;

interface Row {
  parts: HTMLElement[];
  /** What a screen reader says of it. */
  spoken: string;
}

let lists = 0;

export class VirtualList {
  readonly element: HTMLElement;
  private readonly space = make('div', { class: 'ctv-rows', role: 'presentation' });
  private readonly id = `ctv-list-${++lists}`;
  private count = 0;
  private chosen: number | null = null;

  constructor(
    name: string,
    private readonly rowOf: (row: number) => Row,
    private readonly choose: (row: number) => void
  ) {
    this.element = make('div', { class: 'ctv-list', role: 'listbox', tabindex: '0', 'aria-label': name }, this.space);
    this.element.addEventListener('scroll', () => this.fill());
    this.element.addEventListener('keydown', event => this.onKey(event));
    this.element.addEventListener('click', event => {
      const row = (event.target as HTMLElement).closest<HTMLElement>('[data-row]');
      if (row) {
        choose(Number(row.dataset.row));
      }
    });
  }

  /** Show so many rows; the chosen one is brought into sight when it is another than before. */
  show(count: number, chosen: number | null): void {
    const isOther = chosen !== null && chosen !== this.chosen;
    this.count = count;
    this.chosen = chosen;
    this.space.style.height = `${count * ROW_PX}px`;
    if (isOther) {
      const { scrollTop, clientHeight } = this.element;
      const top = chosen * ROW_PX;
      this.element.scrollTop = Math.min(Math.max(scrollTop, top + ROW_PX - clientHeight), top);
    }
    this.fill();
  }

  private fill(): void {
    const { scrollTop, clientHeight } = this.element;
    const first = Math.max(Math.floor(scrollTop / ROW_PX) - BEYOND, 0);
    const last = Math.min(Math.ceil((scrollTop + clientHeight) / ROW_PX) + BEYOND, this.count);
    const rows = Array.from({ length: Math.max(last - first, 0) }, (_, i) => first + i);
    // The chosen row always exists, because screen readers are pointed at it.
    if (this.chosen !== null && (this.chosen < first || this.chosen >= last)) {
      rows.push(this.chosen);
    }
    this.space.replaceChildren(...rows.map(row => this.make(row)));
    if (this.chosen === null) {
      this.element.removeAttribute('aria-activedescendant');
    } else {
      this.element.setAttribute('aria-activedescendant', `${this.id}-${this.chosen}`);
    }
  }

  private make(row: number): HTMLElement {
    const { parts, spoken } = this.rowOf(row);
    const attributes = {
      class: 'ctv-row', role: 'option', id: `${this.id}-${row}`, 'data-row': String(row), 'aria-label': spoken,
      'aria-selected': String(row === this.chosen), 'aria-setsize': String(this.count), 'aria-posinset': String(row + 1),
      style: `top: ${row * ROW_PX}px`
    };
    return make('div', attributes, ...parts);
  }

  private onKey(event: KeyboardEvent): void {
    const at = this.chosen;
    const rows: Record<string, number> = {
      ArrowDown: at === null ? 0 : at + 1, ArrowUp: at === null ? 0 : at - 1, Home: 0, End: this.count - 1
    };
    if (event.key in rows && this.count > 0) {
      this.choose(Math.min(Math.max(rows[event.key], 0), this.count - 1));
      event.preventDefault();
      event.stopPropagation();
    }
  }
}
