/** Slices kept in memory, least recently used first out, bounded in bytes whatever the volume's size. */
import type { Slice, SliceKey } from './slices';

export class SliceCache {
  private readonly slices = new Map<SliceKey, Slice>();
  bytes = 0;

  constructor(readonly limitBytes: number) {}

  get(key: SliceKey): Slice | undefined {
    const slice = this.slices.get(key);
    if (slice) {
      this.slices.delete(key);
      this.slices.set(key, slice);
    }
    return slice;
  }

  set(key: SliceKey, slice: Slice): void {
    this.delete(key);
    this.slices.set(key, slice);
    this.bytes += slice.values.byteLength;
    for (const oldest of this.slices.keys()) {
      if (this.bytes <= this.limitBytes || oldest === key) {
        break;
      }
      this.delete(oldest);
    }
  }

  /** Let go of the slices of layers whose pixels have changed. */
  drop(layer: string): void {
    for (const key of [...this.slices.keys()].filter(key => key.startsWith(`${layer}/`))) {
      this.delete(key);
    }
  }

  clear(): void {
    this.slices.clear();
    this.bytes = 0;
  }

  /** Ask the server again before a slice is believed, after the page was out of sight. */
  distrust(): void {
    for (const slice of this.slices.values()) {
      slice.checked = -Infinity;
    }
  }

  private delete(key: SliceKey): void {
    this.bytes -= this.slices.get(key)?.values.byteLength ?? 0;
    this.slices.delete(key);
  }
}
