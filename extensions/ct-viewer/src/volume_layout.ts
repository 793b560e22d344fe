/** The arrangement that shows the scan in three dimensions; its code comes only when it is chosen. */
import type { Context, Feature, OpenLayout } from './context';
import { make } from './elements';
import type * as Volume3d from './volume3d';

const FILE = 'volume3d.js';

export function volume(context: Context): Feature {
  return {
    layouts: [
      {
        id: 'volume', label: 'Volume (3D)', isOffered: () => context.moduleUrl(FILE) !== null,
        open: host => open(context, host)
      }
    ]
  };
}

function open(context: Context, host: HTMLElement): OpenLayout {
  const place = make('div', { class: 'ctv-volume' });
  let view: Volume3d.OpenVolume | null = null;
  let isClosed = false;
  host.dataset.layout = 'volume';
  host.append(place);
  const url = context.moduleUrl(FILE) ?? '';
  (import(url) as Promise<typeof Volume3d>)
    .then(module => module.openVolume(place, context))
    .then(
      opened => {
        view = opened;
        if (isClosed) {
          opened.close();
        }
        opened.update();
      },
      (problem: unknown) => {
        place.replaceChildren(
          make('p', { class: 'ctv-volume-words', role: 'alert' }, `The volume cannot be drawn here (${String(problem)}).`)
        );
      }
    );
  const close = (): void => {
    isClosed = true;
    view?.close();
    view = null;
    place.remove();
  };
  return { views: [], update: () => view?.update(), clear: close, close };
}
