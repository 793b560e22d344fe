/** Where the hand is going: what to fetch now, and what to fetch ahead of the scroll. */
import type { PlaneView } from './plane_view';
import type { SliceAsk } from './slices';
import type { Wish } from './source';

// How many slices are fetched ahead of the scroll; also how many behind are not given up.
const AHEAD = 8;
const BEHIND = 2;
// A slab reads many slices; fewer of them are fetched ahead.
const SLABS_AHEAD = 2;
// What is fetched ahead must not push what is on screen out of the cache, or both would be fetched for ever.
const MOST_BYTES = 40 * 1024 * 1024;

export class Travel {
  private readonly last = new Map<string, number>();
  private moved: { view: PlaneView; by: number } | null = null;

  /** Notice which plane was stepped through, and which way. */
  follow(views: readonly PlaneView[]): void {
    for (const view of views.filter(view => view.pin === null)) {
      const name = `${view.volume.id}/${view.plane.name}`;
      const by = view.wished - (this.last.get(name) ?? view.wished);
      if (by !== 0 && Math.abs(by) <= AHEAD) {
        this.moved = { view, by: Math.sign(by) };
      }
      this.last.set(name, view.wished);
    }
  }

  /** What is needed now, a coarse picture first where the line is slow, and what will be needed next. */
  wish(views: readonly PlaneView[], isSlab: boolean, isSlow: boolean): Wish {
    const visible: SliceAsk[] = [];
    for (const view of views) {
      const coarse = isSlow && !view.hasFull ? view.coarseAsk(view.wished) : null;
      visible.push(...(coarse ? [coarse] : []));
    }
    visible.push(...views.flatMap(view => view.asks(view.wished)));
    const bytes = views.reduce((sum, view) => sum + view.asks(view.wished).length * bytesOf(view), 0);
    const room = views.length > 0 ? Math.max(0, Math.floor((MOST_BYTES - bytes) / bytesOf(views[0]))) : 0;
    return { visible, ahead: this.ahead(views, isSlab ? SLABS_AHEAD : AHEAD).slice(0, room) };
  }

  /** What is wished next if the hand goes on as it does; before it moves, the neighbours of the first plane. */
  private ahead(views: readonly PlaneView[], most: number): SliceAsk[] {
    const moved = this.moved && views.includes(this.moved.view) ? this.moved : null;
    const view = moved?.view ?? views.at(0);
    if (!view) {
      return [];
    }
    if (view.pin) {
      return views.flatMap(one => (one.pin?.next === null || one.pin === null ? [] : one.asks(one.pin.next)));
    }
    const by = moved?.by ?? -view.plane.up;
    const offsets = moved
      ? [...range(most), ...range(BEHIND).map(offset => -offset)]
      : range(2).flatMap(offset => [-offset, offset]);
    return offsets
      .map(offset => view.wished + offset * by)
      .filter(index => index >= 0 && index < view.count)
      .flatMap(index => view.asks(index));
  }
}

function bytesOf(view: PlaneView): number {
  return view.camera.rows * view.camera.columns * 2;
}

function range(count: number): number[] {
  return Array.from({ length: count }, (_, i) => i + 1);
}
