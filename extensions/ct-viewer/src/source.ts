/**
 * The slices of one view, fetched from the Jupyter server: what is on screen first, then what comes next in the
 * scrolling direction. The only module that fetches.
 */
import { SliceCache, type Slice, type SliceKey } from './cache';

// The promise is 64 MB of buffers a view; a quarter is left for the canvases.
const CACHE_BYTES = 48 * 1024 * 1024;
// Browsers give a host six lines over HTTP/1.1; JupyterLab needs some of them.
const PREFETCH_LINES = 3;
// A slice on screen is asked for again (answered 304, no bytes) so that a grant that ended is noticed, also by
// somebody who only looks.
const BELIEVED_MS = 15_000;
const LOOK_AGAIN_MS = 20_000;
const RETRY_MS = 2_000;

/** What a viewer shows now, and what it will probably show next. */
export interface Wish {
  visible: SliceKey[];
  ahead: SliceKey[];
}

export interface Listener {
  onSlice(key: SliceKey): void;
  /** The sentence of a refusal, after which no picture may stay on screen; null when access is back. */
  onRefusal(sentence: string | null): void;
  /** A passing trouble of the line; null when it is over. */
  onTrouble(sentence: string | null): void;
}

export class SliceSource {
  readonly cache = new SliceCache(CACHE_BYTES);
  refusal: string | null = null;
  private readonly wishes = new Map<Listener | null, Wish>();
  private readonly flights = new Map<SliceKey, AbortController>();
  private trouble: string | null = null;
  private retryTimer: number | undefined;
  private readonly lookTimer: number;

  constructor(private readonly address: string) {
    document.addEventListener('visibilitychange', this.onVisibility);
    this.lookTimer = window.setInterval(() => {
      if (document.visibilityState === 'visible') {
        this.pump();
      }
    }, LOOK_AGAIN_MS);
  }

  /** Say what a listener wants; slices that nobody wants any more are cancelled. */
  wish(listener: Listener | null, wish: Wish): void {
    this.wishes.set(listener, wish);
    this.pump();
  }

  leave(listener: Listener | null): void {
    this.wishes.delete(listener);
    this.pump();
  }

  /** Ask again after a refusal or a trouble. */
  retry(): void {
    this.tellRefusal(null);
    this.cache.distrust();
    this.pump();
  }

  close(): void {
    document.removeEventListener('visibilitychange', this.onVisibility);
    window.clearTimeout(this.retryTimer);
    window.clearInterval(this.lookTimer);
    this.wishes.clear();
    this.pump();
    this.cache.clear();
  }

  private readonly onVisibility = (): void => {
    if (document.visibilityState === 'visible') {
      this.cache.distrust();
      this.pump();
    }
  };

  private pump(): void {
    const visible = new Set([...this.wishes.values()].flatMap(wish => wish.visible));
    const wanted = new Set([...visible, ...[...this.wishes.values()].flatMap(wish => wish.ahead)]);
    for (const [key, flight] of this.flights) {
      if (!wanted.has(key) || this.refusal !== null) {
        this.flights.delete(key);
        flight.abort();
      }
    }
    if (this.refusal !== null || this.retryTimer !== undefined) {
      return;
    }
    for (const key of wanted) {
      const isVisible = visible.has(key);
      const cached = this.cache.get(key);
      const isFresh = cached && (!isVisible || performance.now() - cached.checked < BELIEVED_MS);
      if (!isFresh && !this.flights.has(key) && (isVisible || this.flights.size < PREFETCH_LINES)) {
        void this.fetchSlice(key, cached);
      }
    }
  }

  private async fetchSlice(key: SliceKey, cached: Slice | undefined): Promise<void> {
    const flight = new AbortController();
    this.flights.set(key, flight);
    try {
      // "no-store": governed pixels stay out of the browser's own cache on disk; the ETag is ours to send.
      const reply = await fetch(`${this.address}/slices/${key}`, {
        cache: 'no-store',
        credentials: 'same-origin',
        signal: flight.signal,
        headers: cached?.etag ? { 'If-None-Match': cached.etag } : {}
      });
      const isRefused = reply.status >= 400 && reply.status < 500 && reply.status !== 429;
      const sentence = isRefused ? await sentenceOf(reply) : null;
      const slice = isRefused || (reply.status === 304 && cached) ? cached : await readSlice(reply);
      // While it was on its way, it may have been cancelled: nobody looks any more, or access has ended.
      if (this.flights.get(key) !== flight) {
        return;
      }
      if (sentence !== null) {
        this.tellRefusal(sentence);
      } else if (slice) {
        slice.checked = performance.now();
        this.cache.set(key, slice);
        this.tellTrouble(null);
        this.each(listener => listener.onSlice(key));
      }
    } catch (problem) {
      if (this.flights.get(key) === flight) {
        const reason = problem instanceof SliceError ? problem.message : 'The Jupyter server does not answer.';
        this.tellTrouble(`${reason} The viewer tries again.`);
      }
    } finally {
      if (this.flights.get(key) === flight) {
        this.flights.delete(key);
        this.pump();
      }
    }
  }

  private tellRefusal(sentence: string | null): void {
    this.refusal = sentence;
    if (sentence !== null) {
      this.cache.clear();
      this.pump();
    }
    this.each(listener => listener.onRefusal(sentence));
  }

  private tellTrouble(sentence: string | null): void {
    if (sentence !== null) {
      window.clearTimeout(this.retryTimer);
      this.retryTimer = window.setTimeout(() => {
        this.retryTimer = undefined;
        this.pump();
      }, RETRY_MS);
    }
    if (sentence !== this.trouble) {
      this.trouble = sentence;
      this.each(listener => listener.onTrouble(sentence));
    }
  }

  private each(tell: (listener: Listener) => void): void {
    for (const listener of this.wishes.keys()) {
      if (listener) {
        tell(listener);
      }
    }
  }
}

class SliceError extends Error {}

async function readSlice(reply: Response): Promise<Slice> {
  if (!reply.ok) {
    throw new SliceError(await sentenceOf(reply));
  }
  const [rows, columns] = (reply.headers.get('X-Shape') ?? '').split(',').map(Number);
  const bytes = await reply.arrayBuffer();
  if (!rows || !columns || bytes.byteLength !== rows * columns * 2) {
    throw new SliceError('A slice arrived incomplete.');
  }
  return { rows, columns, values: new Int16Array(bytes), etag: reply.headers.get('ETag'), checked: 0 };
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
