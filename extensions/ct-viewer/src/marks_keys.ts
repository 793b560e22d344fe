/** Keys for marks: delete the chosen one, and move the crosshair within its plane, where Enter sets points. */
import type { Context, Key } from './context';
import type { Marks } from './marks';
import type { PlaneView } from './plane_view';
import type { Triple } from './types';

const FAR = 10;

export function marksKeys(context: Context, marks: Marks): Key[] {
  const remove = (): boolean => {
    const { selected } = marks;
    return selected ? (marks.remove(selected), true) : false;
  };
  const steps: [string, number, number][] = [
    ['arrowleft', -1, 0], ['arrowright', 1, 0], ['arrowup', 0, -1], ['arrowdown', 0, 1]
  ];
  return [
    { key: 'delete', what: 'delete the chosen box, contour or measurement', run: remove },
    { key: 'backspace', what: '', run: remove },
    ...steps.flatMap(([name, x, y], i) => [
      {
        key: `ctrl+${name}`, run: (view: PlaneView | null) => step(context, view, x, y),
        what: i === 0 ? 'move the crosshair within its plane (with Shift: ten voxels)' : ''
      },
      { key: `ctrl+shift+${name}`, what: '', run: (view: PlaneView | null) => step(context, view, FAR * x, FAR * y) }
    ])
  ];
}

/** Move the crosshair by voxels to the right and down on the screen. */
function step(context: Context, view: PlaneView | null, x: number, y: number): boolean {
  if (!view) {
    return false;
  }
  const { plane, volume } = view;
  const index: Triple = volume.grid.nearest(context.state.position);
  index[plane.column] += plane.flipX ? -x : x;
  index[plane.row] += plane.flipY ? -y : y;
  const position = volume.grid.toPatient(volume.grid.clamp(index));
  context.state.set({ position_mm: volume.id === 'v0' ? position : context.state.inside(position) });
  return true;
}
