/** The slider that hides candidates: in false positives per scan where they are known, else in the score. */
import { sayScore } from './candidate_review';
import type { Context } from './context';
import { make } from './elements';
import type { OperatingPoint } from './types';
import { signed } from './words';

const STEPS = 200;

export class OperatingSlider {
  readonly element: HTMLElement;
  private readonly slider = make('input', { type: 'range', min: '0', step: '1' });
  private readonly words = make('span', { class: 'ctv-point' });

  constructor(private readonly context: Context) {
    this.slider.addEventListener('input', () => {
      context.state.set({ threshold: this.thresholdAt(Number(this.slider.value)) });
    });
    this.element = make('label', { class: 'ctv-operating' }, make('span', {}, 'Operating point'), this.slider, this.words);
  }

  update(): void {
    const { lowest, highest } = this.range();
    const stops = this.stops();
    this.element.hidden = lowest === highest && stops.length < 2;
    this.slider.max = String(stops.length > 0 ? stops.length - 1 : STEPS);
    this.slider.value = String(this.place(this.context.state.get('threshold')));
    const words = this.say();
    this.words.textContent = words;
    this.slider.setAttribute('aria-valuetext', words);
  }

  private range(): { lowest: number; highest: number } {
    const all = this.context.state.get('candidates');
    return { lowest: all.at(-1)?.score ?? 0, highest: all.at(0)?.score ?? 0 };
  }

  /** Where the slider can stand: each threshold once, at its fewest false positives; last, everything. */
  private stops(): (OperatingPoint | null)[] {
    const points = this.context.state.get('operating_points');
    const different = points.filter((one, i) => i === 0 || one.threshold !== points[i - 1].threshold);
    const last = different.at(-1);
    return last && this.range().lowest < last.threshold ? [...different, null] : different;
  }

  private thresholdAt(value: number): number {
    const { lowest, highest } = this.range();
    const stops = this.stops();
    if (stops.length > 0) {
      return stops.at(value)?.threshold ?? lowest;
    }
    return value >= STEPS ? lowest : highest - ((highest - lowest) * value) / STEPS;
  }

  /** The place of a threshold, which Python may have set between two stops: to the right is what shows more. */
  private place(threshold: number): number {
    const { lowest, highest } = this.range();
    const stops = this.stops();
    if (stops.length > 0) {
      return Math.max(stops.filter(stop => (stop?.threshold ?? lowest) >= threshold).length - 1, 0);
    }
    return highest > lowest ? Math.round(((highest - threshold) / (highest - lowest)) * STEPS) : STEPS;
  }

  private say(): string {
    const threshold = this.context.state.get('threshold');
    const { lowest } = this.range();
    if (threshold <= lowest) {
      return `all (score from ${sayScore(lowest)})`;
    }
    const from = `score from ${sayScore(threshold)}`;
    // Between two stops there are at most as many false positives as at the one that shows more.
    const point = this.stops().find(stop => stop !== null && stop.threshold <= threshold);
    return point ? `at most ${rate(point)} (${from})` : from;
  }
}

/** A rate as FROC writes it: the eighths as fractions. */
function rate({ fp_per_scan: perScan }: OperatingPoint): string {
  const fractions: Record<string, string> = { '0.125': '⅛', '0.25': '¼', '0.5': '½' };
  const number = fractions[String(perScan)] ?? signed(Number(perScan.toPrecision(3)));
  return `${number} false positive${perScan === 1 ? '' : 's'} per scan`;
}
