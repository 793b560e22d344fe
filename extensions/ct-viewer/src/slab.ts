/** How thick a slab each plane shows, and how it is projected. */
import { choice, numberField, within, write } from './compare_controls';
import type { Context, Feature } from './context';
import { make } from './elements';
import type { SlabMode } from './types';

const MODES: SlabMode[] = ['mean', 'mip', 'minip'];
const WORDS: Record<SlabMode, string> = { mean: 'Mean', mip: 'MIP', minip: 'MinIP' };
const LIMITS_MM: [number, number] = [0, 1000];
// What the keys step through; radiologists read nodules at 5 to 10 mm MIP.
const STEPS_MM = [0, 2, 3, 5, 7.5, 10, 15, 20, 30, 50, 100];

export function slab(context: Context): Feature {
  const { state } = context;
  const mode = choice('How a slab is projected', WORDS);
  const thickness = numberField('Slab thickness in mm, 0 for one slice', 'any');
  thickness.min = '0';
  mode.addEventListener('change', () => state.set({ slab_mode: mode.value as SlabMode }));
  thickness.addEventListener('change', () => set(within(thickness.valueAsNumber, LIMITS_MM)));

  function set(mm: number): true {
    state.set({ slab_mm: mm });
    const slices = slicesOf(context, mm);
    context.say(mm > 0 ? `Slab ${mm} mm, ${WORDS[state.get('slab_mode')]}: ${slices} axial slices` : 'One slice');
    return true;
  }

  function step(by: 1 | -1): true {
    const now = state.get('slab_mm');
    const next = by > 0 ? STEPS_MM.find(mm => mm > now) : [...STEPS_MM].reverse().find(mm => mm < now);
    return set(next ?? now);
  }

  return {
    controls: [
      make('span', { class: 'ctv-group', role: 'group', 'aria-label': 'Slab' },
        make('label', {}, 'Slab ', mode), make('label', {}, thickness, ' mm'))
    ],
    keys: [
      {
        key: 's', what: 'slab: mean, maximum or minimum',
        run() {
          const next = MODES[(MODES.indexOf(state.get('slab_mode')) + 1) % MODES.length];
          state.set({ slab_mode: next });
          context.say(`Slab mode ${WORDS[next]}${state.get('slab_mm') > 0 ? '' : '; the slab is one slice thick'}`);
          return true;
        }
      },
      { key: ',', what: 'thinner slab', run: () => step(-1) },
      { key: '.', what: 'thicker slab', run: () => step(1) }
    ],
    update() {
      mode.value = state.get('slab_mode');
      write(thickness, state.get('slab_mm'));
    }
  };
}

/** How many axial slices lie in a slab: those whose centres are at most half its thickness away. */
function slicesOf({ volumes }: Context, mm: number): number {
  const { spacing, shape } = volumes[0].grid;
  return Math.min(2 * Math.floor((mm / 2 + 1e-6) / spacing[0]) + 1, shape[0]);
}
