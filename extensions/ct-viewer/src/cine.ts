/** Scrolling by itself: play and pause, faster and slower, round and round or to and fro. */
import { choice, numberField, within, write } from './compare_controls';
import type { Context, Feature } from './context';
import { button, make } from './elements';
import { stepThrough } from './input';
import type { PlaneView } from './plane_view';

const SPEEDS: [number, number] = [1, 30];
const FIRST_SPEED = 10;
const SPEED_STEPS = [1, 2, 3, 5, 8, 10, 12, 15, 20, 25, 30];

export function cine(context: Context): Feature {
  const player = new Player(context, update);
  const play = button('Play', 'Scroll by itself (K)', () => player.toggle());
  const speed = numberField('Slices a second', '1');
  const order = choice('What comes after the last slice', { loop: 'Loop', swing: 'To and fro' });
  [speed.min, speed.max] = SPEEDS.map(String);
  speed.addEventListener('change', () => setSpeed(Math.round(within(speed.valueAsNumber, SPEEDS))));
  order.addEventListener('change', () => (player.isSwinging = order.value === 'swing'));

  function update(): void {
    play.textContent = player.isPlaying ? 'Pause' : 'Play';
    play.setAttribute('aria-pressed', String(player.isPlaying));
    write(speed, player.speed);
  }

  function setSpeed(slices: number): true {
    player.speed = slices;
    context.say(`${slices} slices a second`);
    update();
    return true;
  }

  update();
  return {
    controls: [
      make('span', { class: 'ctv-group', role: 'group', 'aria-label': 'Cine' },
        play, make('label', {}, speed, ' / s'), order)
    ],
    keys: [
      { key: 'k', what: 'scroll by itself, or stop', run: () => (player.toggle(), true) },
      { key: '[', what: 'slower', run: () => setSpeed([...SPEED_STEPS].reverse().find(one => one < player.speed) ?? SPEEDS[0]) },
      { key: ']', what: 'faster', run: () => setSpeed(SPEED_STEPS.find(one => one > player.speed) ?? SPEEDS[1]) }
    ],
    close: () => player.stop()
  };
}

/** Steps through one plane; the next step waits until every plane shows where it is, in full resolution. */
class Player {
  speed = FIRST_SPEED;
  isSwinging = false;
  private view: PlaneView | null = null;
  private direction: 1 | -1 = 1;
  private due = 0;
  private frame = 0;
  private readonly sight = new IntersectionObserver(entries => {
    if (!entries[entries.length - 1].isIntersecting) {
      this.stop();
    }
  });

  constructor(
    private readonly context: Context,
    private readonly onChange: () => void
  ) {}

  get isPlaying(): boolean {
    return this.view !== null;
  }

  toggle(): void {
    if (this.view) {
      this.stop();
      return;
    }
    const view = this.choose();
    if (!view) {
      this.context.say('There is nothing to scroll here; choose a layout with planes.');
      return;
    }
    this.view = view;
    this.direction = view.plane.up;
    this.due = performance.now();
    document.addEventListener('visibilitychange', this.onVisibility);
    this.sight.observe(this.context.root);
    this.frame = requestAnimationFrame(this.tick);
    this.context.say(`Playing ${view.plane.title}, ${this.speed} slices a second`);
    this.onChange();
  }

  stop(): void {
    if (this.view) {
      this.view = null;
      cancelAnimationFrame(this.frame);
      document.removeEventListener('visibilitychange', this.onVisibility);
      this.sight.disconnect();
      this.context.say('Stopped');
      this.onChange();
    }
  }

  private readonly onVisibility = (): void => {
    if (document.hidden) {
      this.stop();
    }
  };

  /** The plane with the focus, else the first one; of the shown volume, which decides where the crosshair may be. */
  private choose(): PlaneView | null {
    const { focused, views } = this.context;
    const own = views.filter(view => view.volume.id === 'v0' && view.pin === null && view.count > 1);
    return own.find(view => view === focused) ?? own.at(0) ?? null;
  }

  private readonly tick = (now: number): void => {
    const { source, views } = this.context;
    if (this.view && !views.includes(this.view)) {
      this.view = this.choose();
    }
    if (!this.view || source.refusal !== null) {
      this.view ??= this.choose();
      this.stop();
      return;
    }
    this.frame = requestAnimationFrame(this.tick);
    const isThere = views.every(view => view.isComplete && view.slice !== null && view.shownIndex === view.wished);
    if (now >= this.due && isThere) {
      // After a wait the pace is kept; what was missed is not made up for.
      this.due = Math.max(this.due + 1000 / this.speed, now - 1000 / this.speed);
      this.step(this.view);
    }
  };

  private step(view: PlaneView): void {
    const last = view.count - 1;
    const next = view.wished + this.direction;
    if (next >= 0 && next <= last) {
      stepThrough(view, this.context.state, this.direction);
    } else if (this.isSwinging) {
      this.direction = this.direction > 0 ? -1 : 1;
      stepThrough(view, this.context.state, this.direction);
    } else {
      stepThrough(view, this.context.state, -this.direction * last);
    }
  }
}
