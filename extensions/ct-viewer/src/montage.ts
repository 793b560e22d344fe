/** Many slices of one plane beside each other: the wheel turns pages, a click goes to a slice. */
import type { Context, Feature, Layout } from './context';
import { FIRST_CHOICE, type MontageChoice } from './montage_grids';
import { MontageSheet } from './montage_sheet';

export function montage(context: Context): Feature {
  const { state } = context;
  // Kept while the layout is changed, so that M comes back to the same sheet.
  const choice: MontageChoice = { ...FIRST_CHOICE };
  let before = 'planes';
  const layout: Layout = { id: 'montage', label: 'Montage', open: host => new MontageSheet(context, host, choice) };
  return {
    layouts: [layout],
    keys: [
      {
        key: 'm', what: 'montage of slices, and back',
        run: () => (state.set({ arrangement: state.get('arrangement') === 'montage' ? before : 'montage' }), true)
      }
    ],
    update() {
      const now = state.get('arrangement');
      before = now === 'montage' ? before : now;
    }
  };
}
