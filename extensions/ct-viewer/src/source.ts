/**
 * The slices of one widget, whatever they come from: what is on screen first, then what comes next in the scrolling
 * direction; what nobody wants any more is cancelled.
 */
import { SliceCache } from './cache';
import { keyOf, turn, type Slice, type SliceAsk, type SliceKey } from './slices';
import { HttpTransport, isFromKernel, KernelTransport, Refused, type Transport, Trouble } from './transport';
import type { Model } from './types';

// The promise is 64 MB of buffers a view; a quarter is left for the canvases.
const CACHE_BYTES = 48 * 1024 * 1024;
// Browsers give a host six lines over HTTP/1.1; JupyterLab needs some of them.
const PREFETCH_LINES = 3;
// A slice on screen is asked for again (answered 304, no bytes) so that a grant that ended is noticed, also by
// somebody who only looks.
const BELIEVED_MS = 15_000;
const LOOK_AGAIN_MS = 20_000;
const RETRY_MS = 2_000;
// Above this many ms for a full slice a coarse one is fetched before it, and packing is worth its CPU time.
const SLOW_MS = 80;

/** What a viewer shows now, and what it will probably show next. */
export interface Wish {
  visible: SliceAsk[];
  ahead: SliceAsk[];
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
  private readonly transports = new Map<string, Transport>();
  private readonly kernel: KernelTransport;
  private trouble: string | null = null;
  private retryTimer: number | undefined;
  private readonly lookTimer: number;
  /** How long a full slice takes, a running mean in ms; unknown at first. */
  private latency: number | null = null;

  constructor(
    private readonly model: Model,
    private readonly base: string
  ) {
    this.kernel = new KernelTransport(model);
    document.addEventListener('visibilitychange', this.onVisibility);
    this.lookTimer = window.setInterval(() => {
      if (document.visibilityState === 'visible') {
        this.pump();
        void this.checkGuards();
      }
    }, LOOK_AGAIN_MS);
  }

  /** Whether the line is slow, or nobody knows yet: then a coarse picture first helps. */
  get isSlow(): boolean {
    return this.latency === null || this.latency > SLOW_MS;
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
    void this.checkGuards();
  }

  /** A layer's pixels have changed in the kernel. */
  renew(layer: string): void {
    this.cache.drop(layer);
    this.transports.delete(layer);
    for (const [key, flight] of this.flights) {
      if (key.startsWith(`${layer}/`)) {
        this.flights.delete(key);
        flight.abort();
      }
    }
    this.pump();
  }

  close(): void {
    document.removeEventListener('visibilitychange', this.onVisibility);
    window.clearTimeout(this.retryTimer);
    window.clearInterval(this.lookTimer);
    this.wishes.clear();
    this.pump();
    this.kernel.close();
    this.cache.clear();
  }

  private readonly onVisibility = (): void => {
    if (document.visibilityState === 'visible') {
      this.cache.distrust();
      this.pump();
      void this.checkGuards();
    }
  };

  private pump(): void {
    const visible = new Map(asksOf(this.wishes, 'visible'));
    const wanted = new Map([...visible, ...asksOf(this.wishes, 'ahead')]);
    for (const [key, flight] of this.flights) {
      if (!wanted.has(key) || this.refusal !== null) {
        this.flights.delete(key);
        flight.abort();
      }
    }
    if (this.refusal !== null || this.retryTimer !== undefined) {
      return;
    }
    for (const [key, ask] of wanted) {
      const isVisible = visible.has(key);
      const cached = this.cache.get(key);
      const mustAsk = isVisible && cached?.etag && performance.now() - cached.checked >= BELIEVED_MS;
      if ((!cached || mustAsk) && !this.flights.has(key) && (isVisible || this.flights.size < PREFETCH_LINES)) {
        void this.fetchSlice(key, ask, cached);
      }
    }
  }

  private async fetchSlice(key: SliceKey, ask: SliceAsk, cached: Slice | undefined): Promise<void> {
    const flight = new AbortController();
    this.flights.set(key, flight);
    const began = performance.now();
    try {
      const come = await this.transportOf(ask.layer).fetch(ask, cached, flight.signal);
      const slice = come && ask.isTurned ? turn(come) : (come ?? cached);
      // While it was on its way, it may have been cancelled: nobody looks any more, or access has ended.
      if (this.flights.get(key) !== flight || !slice) {
        return;
      }
      slice.checked = performance.now();
      if (!cached && ask.level === 0) {
        this.latency = (this.latency ?? slice.checked - began) * 0.7 + (slice.checked - began) * 0.3;
      }
      this.cache.set(key, slice);
      this.tellTrouble(null);
      this.each(listener => listener.onSlice(key));
    } catch (problem) {
      if (this.flights.get(key) === flight) {
        this.tellProblem(problem);
      }
    } finally {
      if (this.flights.get(key) === flight) {
        this.flights.delete(key);
        this.pump();
      }
    }
  }

  private tellProblem(problem: unknown): void {
    if (problem instanceof Refused) {
      this.tellRefusal(problem.message);
    } else {
      const reason = problem instanceof Trouble ? problem.message : 'The Jupyter server does not answer.';
      this.tellTrouble(`${reason} The viewer tries again.`);
    }
  }

  private transportOf(layer: string): Transport {
    let transport = this.transports.get(layer);
    if (!transport) {
      transport = this.makeTransport(layer);
      this.transports.set(layer, transport);
    }
    return transport;
  }

  private makeTransport(layer: string): Transport {
    const volume = this.model.get('volumes').find(one => one.id === layer);
    const labels = this.model.get('labels').find(one => one.id === layer);
    if (isFromKernel(volume ?? labels)) {
      return this.kernel;
    }
    const view = volume?.view_id ?? this.model.get('volumes')[0].view_id;
    return this.http(view, labels?.set ?? '');
  }

  private http(view: string, labelSet: string): HttpTransport {
    const gridOf = (id: string) => this.model.get('volumes').find(one => one.id === id);
    const address = `${this.base}workbench/api/views/${encodeURIComponent(view)}`;
    return new HttpTransport(address, labelSet, gridOf, () => this.latency !== null && this.latency > SLOW_MS);
  }

  /** Arrays made of a governed scan come from the kernel; the scan itself must still be open to this person. */
  private async checkGuards(): Promise<void> {
    const guarded = this.model.get('volumes').filter(one => one.kind === 'kernel' && one.view_id);
    for (const volume of guarded) {
      try {
        await this.http(volume.view_id, '').check();
      } catch (problem) {
        this.tellProblem(problem);
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

function asksOf(wishes: Map<Listener | null, Wish>, part: keyof Wish): [SliceKey, SliceAsk][] {
  return [...wishes.values()].flatMap(wish => wish[part].map(ask => [keyOf(ask), ask] as [SliceKey, SliceAsk]));
}
