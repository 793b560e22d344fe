/** How a slice comes into the browser: from the Jupyter server, or from the notebook's kernel. */
import { isLabels, type Slice, type SliceAsk } from './slices';
import type { LabelLayer, Model, VolumeFacts } from './types';

/** The server's or the kernel's sentence that this may not be seen, or no longer. */
export class Refused extends Error {}

/** Something that may pass: the line, a busy server. */
export class Trouble extends Error {}

export interface Transport {
  /** Give the slice; null when the known one is still right. */
  fetch(ask: SliceAsk, known: Slice | undefined, signal: AbortSignal): Promise<Slice | null>;
}

/** Slices of a view that the gateway opened, over HTTP. The only code that fetches data. */
export class HttpTransport implements Transport {
  constructor(
    private readonly address: string,
    private readonly labelSet: string,
    private readonly gridOf: (id: string) => VolumeFacts | undefined,
    private readonly mayPack: () => boolean
  ) {}

  async fetch(ask: SliceAsk, known: Slice | undefined, signal: AbortSignal): Promise<Slice | null> {
    const labels = this.labelSet ? `/labels/${encodeURIComponent(this.labelSet)}` : '';
    // "no-store": governed pixels stay out of the browser's own cache on disk; the ETag is ours to send.
    const reply = await fetch(`${this.address}${labels}/slices/${ask.plane}/${ask.index}${this.query(ask, known)}`, {
      cache: 'no-store',
      credentials: 'same-origin',
      signal,
      headers: known?.etag ? { 'If-None-Match': known.etag } : {}
    });
    if (reply.status === 304 && known) {
      return null;
    }
    if (reply.status >= 400 && reply.status < 500 && reply.status !== 429) {
      throw new Refused(await sentenceOf(reply));
    }
    if (!reply.ok) {
      throw new Trouble(await sentenceOf(reply));
    }
    const [rows, columns] = (reply.headers.get('X-Shape') ?? '').split(',').map(Number);
    const packed = await reply.arrayBuffer();
    const isPacked = reply.headers.get('X-Packed') !== null;
    const bytes = isPacked ? unpack(packed, rows, columns) : packed;
    return { ...readSlice(bytes, [rows, columns], isLabels(ask.layer)), etag: reply.headers.get('ETag'), packed: isPacked };
  }

  /** Ask whether the view may still be seen, without a slice. */
  async check(): Promise<void> {
    const reply = await fetch(this.address, { cache: 'no-store', credentials: 'same-origin' });
    if (reply.status >= 400 && reply.status < 500 && reply.status !== 429) {
      throw new Refused(await sentenceOf(reply));
    }
  }

  private query(ask: SliceAsk, known: Slice | undefined): string {
    const query = new URLSearchParams();
    if (ask.level > 0) {
      query.set('level', String(ask.level));
    }
    if (ask.slab_mm > 0 && !isLabels(ask.layer)) {
      query.set('slab_mm', String(ask.slab_mm));
      query.set('mode', ask.mode);
    }
    const grid = ask.on ? this.gridOf(ask.on) : undefined;
    if (grid) {
      const { shape, spacing_mm, origin_mm, direction } = grid;
      query.set('grid', JSON.stringify({ shape, spacing_mm, origin_mm, direction }));
    }
    if (known ? known.packed : this.mayPack()) {
      query.set('pack', '1');
    }
    const text = query.toString();
    return text && `?${text}`;
  }
}

interface Answer {
  kind?: string;
  id?: number;
  shape?: [number, number];
  message?: string;
}

/** Slices of an array that only the kernel has, over the widget's own line. */
export class KernelTransport implements Transport {
  private readonly waiting = new Map<number, { done(slice: Slice): void; fail(problem: Error): void }>();
  private last = 0;

  constructor(private readonly model: Model) {
    model.on('msg:custom', this.onMessage as never);
  }

  fetch(ask: SliceAsk, _known: Slice | undefined, signal: AbortSignal): Promise<Slice> {
    const id = ++this.last;
    return new Promise((done, fail) => {
      this.waiting.set(id, { done, fail });
      signal.addEventListener('abort', () => {
        // A kernel that has not begun yet need not begin.
        this.waiting.delete(id);
        this.model.send({ kind: 'cancel', id });
        fail(new Trouble('cancelled'));
      });
      this.model.send({ kind: 'slice', id, ...ask });
    });
  }

  close(): void {
    this.model.off('msg:custom', this.onMessage as never);
    this.waiting.clear();
  }

  private readonly onMessage = (answer: Answer, buffers: DataView[]): void => {
    const asked = answer.id === undefined ? undefined : this.waiting.get(answer.id);
    if (!asked || answer.id === undefined) {
      return;
    }
    this.waiting.delete(answer.id);
    if (answer.kind === 'slice' && answer.shape && buffers[0]) {
      const { buffer, byteOffset, byteLength } = buffers[0];
      const isLabelSlice = (answer as { unsigned?: boolean }).unsigned === true;
      asked.done(readSlice(buffer.slice(byteOffset, byteOffset + byteLength) as ArrayBuffer, answer.shape, isLabelSlice));
    } else {
      asked.fail(new Refused(answer.message ?? 'The kernel gave no picture; run the cell again.'));
    }
  };
}

/** Which transport serves a layer. */
export function isFromKernel(layer: VolumeFacts | LabelLayer | undefined): boolean {
  return layer?.kind === 'kernel';
}

function readSlice(bytes: ArrayBuffer, shape: [number, number], unsigned: boolean): Slice {
  const [rows, columns] = shape;
  if (!rows || !columns || bytes.byteLength !== rows * columns * 2) {
    throw new Trouble('A slice arrived incomplete.');
  }
  const values = unsigned ? new Uint16Array(bytes) : new Int16Array(bytes);
  return { rows, columns, values, etag: null, packed: false, checked: 0 };
}

/** Undo what the gateway's packing did: low bytes before high bytes, the sign lowest, differences along the row. */
function unpack(packed: ArrayBuffer, rows: number, columns: number): ArrayBuffer {
  const bytes = new Uint8Array(packed);
  const count = rows * columns;
  const values = new Int16Array(count);
  let before = 0;
  for (let i = 0; i < count; i++) {
    const folded = bytes[i] | (bytes[count + i] << 8);
    const step = (folded >>> 1) ^ -(folded & 1);
    before = i % columns === 0 ? step : before + step;
    values[i] = before;
  }
  return values.buffer;
}

/** The sentence for people in the JSON that every door of the workbench answers an error with. */
async function sentenceOf(reply: Response): Promise<string> {
  try {
    const body = (await reply.json()) as { message?: unknown };
    if (typeof body.message === 'string' && body.message) {
      return body.message;
    }
  } catch {
    // Not the workbench's own answer (a proxy, a sign-in page): say what is known.
  }
  return `The server refused this picture (HTTP ${reply.status}). Sign in again, then run the cell again.`;
}
