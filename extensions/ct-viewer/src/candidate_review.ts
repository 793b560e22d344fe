/** Which candidates are shown, which one is looked at, and what is said of each. */
import type { Context } from './context';
import { ReadingClock } from './reading_clock';
import type { Candidate, Judgement } from './types';
import { signed } from './words';

type Verdict = Judgement['verdict'];

const DONE: Record<Verdict, string> = { agree: 'agreed', reject: 'rejected' };

export class CandidateReview {
  private readonly opened = performance.now();
  private readonly clock: ReadingClock;
  /** The place that is looked at; rows change when the candidates are sorted anew. */
  private place: string | null = null;
  private judgedOf: { list: Judgement[]; byPlace: Map<string, Judgement> } = { list: [], byPlace: new Map() };

  constructor(private readonly context: Context) {
    this.clock = ReadingClock.of(context.model);
  }

  /** Every candidate, best score first. */
  get all(): Candidate[] {
    return this.context.state.get('candidates');
  }

  /** How many of them, from the first on, reach the threshold. */
  get shown(): number {
    const threshold = this.context.state.get('threshold');
    const hidden = this.all.findIndex(one => one.score < threshold);
    return hidden < 0 ? this.all.length : hidden;
  }

  /** The row of the chosen one, or null where none is chosen, or it is hidden. */
  get chosen(): number | null {
    const row = this.place === null ? -1 : this.all.findIndex(one => placeOf(one) === this.place);
    return row < 0 || row >= this.shown ? null : row;
  }

  /** What was said of a candidate; those at one and the same place share it. */
  verdict(candidate: Candidate): Verdict | null {
    const list = this.context.state.get('judgements');
    if (list !== this.judgedOf.list) {
      this.judgedOf = { list, byPlace: new Map(list.map(one => [placeOf(one), one])) };
    }
    return this.judgedOf.byPlace.get(placeOf(candidate))?.verdict ?? null;
  }

  count(verdict: Verdict): number {
    return this.context.state.get('judgements').filter(one => one.verdict === verdict).length;
  }

  /** Look at a candidate: the crosshair goes there, or stays where somebody has clicked. */
  choose(row: number, mayMove = true): void {
    const one = this.all.at(row);
    if (!one) {
      return;
    }
    this.place = placeOf(one);
    this.context.say(this.describe(row));
    if (mayMove) {
      this.context.state.goTo(one.position_mm);
    } else {
      this.context.state.set({});
    }
  }

  /** Go to the next one, or back. */
  step(by: 1 | -1): boolean {
    const { shown, chosen } = this;
    if (shown === 0) {
      this.context.say(this.all.length > 0 ? 'Every candidate is below the threshold.' : 'There are no candidates.');
      return true;
    }
    const row = chosen === null ? (by > 0 ? 0 : shown - 1) : chosen + by;
    if (row < 0 || row >= shown) {
      this.context.say(by > 0 ? `That was the last of ${shown} candidates.` : 'That was the first candidate.');
    } else {
      this.choose(row);
    }
    return true;
  }

  /** Agree with the chosen candidate or reject it; the same once more takes the judgement back. */
  judge(verdict: Verdict): boolean {
    const { state } = this.context;
    const row = this.chosen;
    const one = row === null ? undefined : this.all.at(row);
    if (row === null || !one) {
      this.context.say('No candidate is chosen: N goes to the next one.');
      return true;
    }
    const others = state.get('judgements').filter(judged => placeOf(judged) !== placeOf(one));
    const isTakenBack = this.verdict(one) === verdict;
    const judged = { candidate: row, position_mm: one.position_mm, verdict, seconds: this.seconds };
    const what = `${isTakenBack ? 'No verdict on' : verdict === 'agree' ? 'Agree with' : 'Reject'} candidate ${row + 1}`;
    state.edit(what, { judgements: isTakenBack ? others : [...others, judged] });
    this.context.say(this.describe(row));
    return true;
  }

  /** A candidate in words. */
  describe(row: number): string {
    const one = this.all[row];
    const verdict = this.verdict(one);
    const parts = [`Candidate ${row + 1} of ${this.shown}`, `score ${sayScore(one.score)}`];
    parts.push(...(one.label ? [one.label] : []), ...(verdict ? [DONE[verdict]] : []));
    return parts.join(', ');
  }

  private get seconds(): number {
    const { state, seconds } = this.clock.now;
    return state === 'none' ? Math.round(performance.now() - this.opened) / 1000 : seconds;
  }
}

/** A score in as many digits as help. */
export function sayScore(score: number): string {
  return signed(Number(score.toPrecision(3)));
}

function placeOf({ position_mm }: { position_mm: readonly number[] }): string {
  return position_mm.join(' ');
}
