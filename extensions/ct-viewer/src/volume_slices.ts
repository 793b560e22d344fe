/** All slices of a volume at a coarse level, gathered through the source, a few at a time. */
import type { Context } from './context';
import { keyOf, type Slice, type SliceAsk, type SliceKey } from './slices';
import type { Listener } from './source';
import type { Triple } from './types';

/** Nothing longer is rendered: about 8 MB a volume, and a second without a graphics card. */
const LONGEST = 160;
const AHEAD = 8;

export interface Gathered {
  level: number;
  shape: Triple;
  values: Int16Array | Uint16Array;
}

/** The finest level that is small enough, else the coarsest. */
export function levelOf(context: Context): number {
  const { facts } = context.volumes[0];
  let level = 0;
  while (level < facts.levels - 1 && Math.max(...context.volumes[0].levelShape(level)) > LONGEST) {
    level++;
  }
  return level;
}

export class Gathering implements Listener {
  private readonly shape: Triple;
  private readonly values: Int16Array | Uint16Array;
  private readonly missing = new Map<SliceKey, SliceAsk>();
  private last: SliceAsk | null = null;
  private finish: (values: Gathered) => void = () => undefined;
  readonly done: Promise<Gathered>;

  constructor(
    private readonly context: Context,
    layer: string,
    private readonly level: number,
    private readonly tell: (share: number) => void,
    private readonly refused: (sentence: string | null) => void
  ) {
    this.shape = context.volumes[0].levelShape(level);
    const count = this.shape[0] * this.shape[1] * this.shape[2];
    this.values = layer.startsWith('l') ? new Uint16Array(count) : new Int16Array(count);
    this.done = new Promise(finish => (this.finish = finish));
    for (let index = 0; index < this.shape[0]; index++) {
      const ask: SliceAsk = { layer, plane: 'axial', index, level, slab_mm: 0, mode: 'mean', on: '' };
      this.missing.set(keyOf(ask), ask);
    }
    for (const [key, ask] of [...this.missing]) {
      const known = context.source.cache.get(key);
      if (known) {
        this.take(key, ask, known);
      }
    }
    this.wish();
  }

  onSlice(key: SliceKey): void {
    const ask = this.missing.get(key);
    const slice = this.context.source.cache.get(key);
    if (ask && slice) {
      this.take(key, ask, slice);
      this.wish();
    }
  }

  onRefusal(sentence: string | null): void {
    this.refused(sentence);
  }

  onTrouble(): void {
    // The viewer says it, and the source asks again by itself.
  }

  close(): void {
    this.context.source.leave(this);
  }

  private take(key: SliceKey, ask: SliceAsk, slice: Slice): void {
    this.values.set(slice.values, ask.index * this.shape[1] * this.shape[2]);
    this.missing.delete(key);
    this.last = ask;
    this.tell(1 - this.missing.size / this.shape[0]);
  }

  private wish(): void {
    // With all of them here one stays wished: it is asked about again, so that the end of access is noticed.
    const kept = this.missing.size === 0 && this.last ? [this.last] : [];
    this.context.source.wish(this, { visible: kept, ahead: [...this.missing.values()].slice(0, AHEAD) });
    if (this.missing.size === 0) {
      this.finish({ level: this.level, shape: this.shape, values: this.values });
    }
  }
}
