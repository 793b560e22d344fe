/** The clock of a timed read: monotonic, one a model, however many views show it. */
import type { Model, Reading } from './types';

const clocks = new WeakMap<Model, ReadingClock>();

export class ReadingClock {
  private state: Reading['state'] = 'none';
  private seconds = 0;
  private paused = 0;
  private since = performance.now();

  /** Give a model's clock; the first one of a page stands, whatever was so before the page was loaded. */
  static of(model: Model): ReadingClock {
    let clock = clocks.get(model);
    if (!clock) {
      clock = new ReadingClock();
      clocks.set(model, clock);
      const before = model.get('reading');
      clock.follow(before.state === 'running' ? { ...before, state: 'paused' } : before);
    }
    return clock;
  }

  get isRunning(): boolean {
    return this.state === 'running';
  }

  /** What is so at this moment. */
  get now(): Reading {
    const passed = (performance.now() - this.since) / 1000;
    return {
      state: this.state,
      seconds: toMs(this.seconds + (this.state === 'running' ? passed : 0)),
      paused_seconds: toMs(this.paused + (this.state === 'paused' ? passed : 0))
    };
  }

  /** Go over into another state, and give what is so then. */
  turn(state: Reading['state']): Reading {
    const { seconds, paused_seconds } = this.now;
    return this.follow(
      state === 'idle' || state === 'none'
        ? { state, seconds: 0, paused_seconds: 0 }
        : { state, seconds, paused_seconds }
    );
  }

  /** Take over what Python says; numbers of the state that the clock is in already are echoes of its own. */
  follow(reading: Reading): Reading {
    if (reading.state !== this.state) {
      this.state = reading.state;
      this.seconds = reading.seconds;
      this.paused = reading.paused_seconds;
      this.since = performance.now();
    }
    return this.now;
  }
}

/** A time as people read it: minutes and seconds. */
export function minutes(seconds: number): string {
  const whole = Math.floor(seconds);
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, '0')}`;
}

function toMs(seconds: number): number {
  return Math.round(seconds * 1000) / 1000;
}
