/** A timed read: the picture is hidden until somebody starts, and while the clock stands still. */
import type { Context, Feature } from './context';
import { button, make } from './elements';
import { minutes, ReadingClock } from './reading_clock';
import type { Reading } from './types';

const SECOND_MS = 1000;
// How often Python hears how far the clock is, so that little is lost when the page is closed.
const TELL_EVERY = 5;

export function reading(context: Context): Feature {
  const read = new TimedRead(context);
  return { controls: [read.bar], update: () => read.update(), close: () => read.close() };
}

class TimedRead {
  readonly bar = make('span', { class: 'ctv-read', role: 'group', 'aria-label': 'Timed read' });
  private readonly clock: ReadingClock;
  private readonly time = make('span', { class: 'ctv-time', role: 'timer' });
  private readonly cover = make('div', { class: 'ctv-cover', role: 'group', 'aria-label': 'Timed read' });
  private readonly watcher = new IntersectionObserver(() => this.onSight());
  private readonly timer: number;
  private why = '';
  private ticks = 0;
  private placed = false;
  private covered: Reading['state'] | null = null;

  constructor(private readonly context: Context) {
    this.clock = ReadingClock.of(context.model);
    if (context.model.get('reading').state === 'running' && !this.clock.isRunning) {
      this.why = 'The page was loaded anew. ';
      this.tell(this.clock.now);
    }
    const pause = button('Pause', 'Stop the clock and hide the picture', () => this.turn('paused', ''));
    const finish = button('Finish', 'End this read; the clock stops', () => this.turn('finished', ''));
    this.bar.append(this.time, pause, finish);
    this.cover.hidden = true;
    this.timer = window.setInterval(() => this.tick(), SECOND_MS);
    document.addEventListener('visibilitychange', this.onSight);
  }

  update(): void {
    const { root, state } = this.context;
    this.place(root);
    const { state: now } = this.clock.follow(state.get('reading'));
    this.bar.hidden = now !== 'running';
    this.time.textContent = minutes(this.clock.now.seconds);
    const covered = now === 'none' || now === 'running' ? null : now;
    if (covered !== this.covered) {
      this.covered = covered;
      this.show(root, covered);
    }
  }

  close(): void {
    if (this.clock.isRunning) {
      this.turn('paused', '');
    }
    window.clearInterval(this.timer);
    this.watcher.disconnect();
    document.removeEventListener('visibilitychange', this.onSight);
    this.context.root.removeEventListener('keydown', this.onKey, true);
  }

  /** The viewer's own element is there only after its features. */
  private place(root: HTMLElement): void {
    if (!this.placed) {
      this.placed = true;
      root.querySelector('.ctv-ground')?.after(this.cover);
      root.addEventListener('keydown', this.onKey, true);
      this.watcher.observe(root);
    }
  }

  private turn(state: Reading['state'], why: string): void {
    this.why = why;
    this.tell(this.clock.turn(state));
  }

  /** At once, and to every view of the model: a clock that is told late runs wrong. */
  private tell(now: Reading): void {
    this.context.model.set('reading', now);
    this.context.model.save_changes();
  }

  private show(root: HTMLElement, covered: Reading['state'] | null): void {
    const hadFocus = root.contains(document.activeElement);
    root.toggleAttribute('data-covered', covered !== null);
    const others = root.querySelectorAll<HTMLElement>('.ctv-bar > :not(.ctv-title, .ctv-read), .ctv-ground, .ctv-side');
    others.forEach(element => {
      element.inert = covered !== null;
    });
    this.cover.hidden = covered === null;
    if (covered === null) {
      // Keys work at once.
      root.querySelector<HTMLElement>('.ctv-plane')?.focus({ preventScroll: true });
      return;
    }
    this.cover.replaceChildren(...this.words(covered));
    if (hadFocus) {
      this.cover.querySelector('button')?.focus({ preventScroll: true });
    }
  }

  private words(covered: Reading['state']): HTMLElement[] {
    const time = minutes(this.clock.now.seconds);
    if (covered === 'finished') {
      return [make('p', { role: 'status' }, `Finished after ${time}.`)];
    }
    if (covered === 'paused') {
      const again = button('Resume', 'Show the picture; the clock goes on', () => this.turn('running', ''));
      return [make('p', { role: 'status' }, `${this.why}Paused at ${time}; the picture is hidden.`), again];
    }
    const start = button('Start reading', 'Show the picture and start the clock', () => this.turn('running', ''));
    return [make('p', {}, 'The picture is hidden until you start. The clock starts with it.'), start];
  }

  private tick(): void {
    if (!this.clock.isRunning) {
      return;
    }
    this.ticks += 1;
    this.time.textContent = minutes(this.clock.now.seconds);
    if (this.ticks % TELL_EVERY === 0) {
      this.tell(this.clock.now);
    }
  }

  /** Nobody can read what is not on screen: another tab of the browser or of JupyterLab lies over it. */
  private readonly onSight = (): void => {
    const isHidden =
      document.visibilityState === 'hidden' || !this.context.root.checkVisibility({ contentVisibilityAuto: true });
    if (this.clock.isRunning && isHidden) {
      this.turn('paused', 'The page was out of sight. ');
    }
  };

  /** Keys that judge or move must not work on a picture that nobody sees. */
  private readonly onKey = (event: KeyboardEvent): void => {
    if (this.covered !== null) {
      event.stopPropagation();
    }
  };
}
