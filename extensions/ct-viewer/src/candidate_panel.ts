/** The list of candidates beside the planes, with the operating point, the verdicts and the ground truth. */
import { sayScore, type CandidateReview } from './candidate_review';
import type { Context } from './context';
import { button, make } from './elements';
import { OperatingSlider } from './operating_slider';
import { VirtualList } from './virtual_list';

interface CandidatePanel {
  element: HTMLElement;
  update(): void;
}

const MARKS = { agree: '✓', reject: '✗' } as const;
const SPOKEN = { agree: 'agreed', reject: 'rejected' } as const;

export function candidatePanel(context: Context, review: CandidateReview): CandidatePanel {
  const { state } = context;
  const counts = make('div', { class: 'ctv-counts' });
  const slider = new OperatingSlider(context);
  const list = new VirtualList('Candidates by score', row => rowOf(review, row), row => review.choose(row));
  const verdicts = {
    agree: button('✓ Agree', 'Agree with the chosen candidate (A)', () => review.judge('agree')),
    reject: button('✗ Reject', 'Reject the chosen candidate (X)', () => review.judge('reject'))
  };
  const steps = [
    button('Previous', 'Previous candidate (P)', () => review.step(-1)),
    button('Next', 'Next candidate (N)', () => review.step(1))
  ];
  const truth = make('input', { type: 'checkbox' });
  truth.addEventListener('change', () => state.set({ truth_visible: truth.checked }));
  const truthLabel = make('label', { class: 'ctv-truth', title: 'Ground truth on or off (T)' }, truth, 'Ground truth');
  const ofCandidates = make(
    'div', {}, counts, slider.element,
    make('div', { class: 'ctv-verdicts' }, ...steps, verdicts.agree, verdicts.reject), list.element
  );
  const element = make('div', { class: 'ctv-candidates' }, ofCandidates, truthLabel);
  return {
    element,
    update() {
      const { all, shown, chosen } = review;
      ofCandidates.hidden = all.length === 0;
      truthLabel.hidden = state.get('truth').length === 0;
      element.hidden = ofCandidates.hidden && truthLabel.hidden;
      if (element.hidden) {
        return;
      }
      counts.textContent = `${shown} of ${all.length} shown · ${review.count('agree')} agreed · ${review.count('reject')} rejected`;
      truth.checked = state.get('truth_visible');
      slider.update();
      list.show(shown, chosen);
      const verdict = chosen === null ? null : review.verdict(all[chosen]);
      for (const name of ['agree', 'reject'] as const) {
        verdicts[name].setAttribute('aria-pressed', String(verdict === name));
        verdicts[name].disabled = chosen === null;
      }
    }
  };
}

/** One line of the list: rank, score, what is known of it, and the verdict. */
function rowOf(review: CandidateReview, row: number): { parts: HTMLElement[]; spoken: string } {
  const one = review.all[row];
  const verdict = review.verdict(one);
  const size = one.diameter_mm > 0 ? `${Number(one.diameter_mm.toPrecision(3))} mm` : '';
  const words = [one.label, size].filter(part => part).join(', ');
  const spoken = [`${row + 1}`, `score ${sayScore(one.score)}`, words, verdict ? SPOKEN[verdict] : 'not judged'];
  return {
    spoken: spoken.filter(part => part).join(', '),
    parts: [
      make('span', { class: 'ctv-rank' }, String(row + 1)),
      make('span', { class: 'ctv-score' }, sayScore(one.score)),
      make('span', { class: 'ctv-words' }, words),
      make('span', { class: 'ctv-verdict', 'data-verdict': verdict ?? '' }, verdict ? MARKS[verdict] : '')
    ]
  };
}
