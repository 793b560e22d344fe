/** The arrangements of planes that every view has: all three, or one of them. */
import type { Context, Layout, OpenLayout } from './context';
import { PLANE_NAMES } from './planes';
import type { PlaneName } from './types';

/** Give the three linked planes, and each of them alone. */
export function planeLayouts(context: Context): Layout[] {
  const single = PLANE_NAMES.map(name => ({
    id: name, label: context.volumes[0].plane(name).title, open: (host: HTMLElement) => open(context, host, [name])
  }));
  return [{ id: 'planes', label: 'Three planes', open: host => open(context, host, PLANE_NAMES) }, ...single];
}

function open(context: Context, host: HTMLElement, names: readonly PlaneName[]): OpenLayout {
  const views = names.map(name => context.makePlane(name));
  host.dataset.layout = names.length === 1 ? 'single' : 'planes';
  host.append(...views.map(view => view.cell));
  return { views, close: () => views.forEach(view => view.close()) };
}
