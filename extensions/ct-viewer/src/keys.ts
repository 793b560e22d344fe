/** Keys that mean the same wherever the focus is inside the viewer, and the help that lists them. */
import type { Feature, Key } from './context';
import { make } from './elements';
import type { PlaneView } from './plane_view';

const MOUSE: [string, string][] = [
  ['wheel, arrows', 'step through the slices (Page up / down: ten, Home / End: first and last)'],
  ['click', 'move the crosshair; the other planes follow'],
  ['right drag', 'window: sideways width, up and down level'],
  ['middle drag, Shift + arrows', 'pan'],
  ['Ctrl + wheel, + and −', 'zoom'],
  ['Enter', 'with a tool: set a point at the crosshair']
];

/** Call the key's first taker; typing, and the button that has the focus, come first. */
export function listenToKeys(
  root: HTMLElement, own: readonly Key[], features: readonly Feature[], focused: () => PlaneView | null
): void {
  root.addEventListener('keydown', event => {
    const target = event.target as HTMLElement;
    const isTyping = target.matches('input:not([type=range]):not([type=checkbox]), select, textarea');
    const isPressing = [' ', 'Enter'].includes(event.key) && target.matches('button, summary, input, a');
    if (event.defaultPrevented || isTyping || isPressing || event.altKey) {
      return;
    }
    const wanted = nameOf(event);
    const keys = [...own, ...features.flatMap(feature => feature.keys ?? [])];
    if (keys.some(key => key.key === wanted && key.run(focused(), event) !== false)) {
      event.preventDefault();
      event.stopPropagation();
    }
  });
}

function nameOf(event: KeyboardEvent): string {
  const key = event.key.toLowerCase();
  const shift = event.shiftKey && event.key.length > 1 ? 'shift+' : '';
  return event.ctrlKey || event.metaKey ? `ctrl+${event.shiftKey ? 'shift+' : ''}${key}` : shift + key;
}

/** The list of mouse and keys, behind a question mark. */
export function help(own: readonly Key[], features: readonly Feature[]): HTMLElement {
  const tools = features.flatMap(feature => feature.tools ?? []);
  const rows = [
    ...MOUSE,
    ...[...own, ...features.flatMap(feature => feature.keys ?? [])].map(key => [shownKey(key.key), key.what]),
    ...tools.filter(tool => tool.key).map(tool => [shownKey(tool.key ?? ''), tool.title])
  ].filter(([, what]) => what);
  const list = make('dl', { tabindex: '0' }, ...rows.flatMap(([keys, what]) => [make('dt', {}, keys), make('dd', {}, what)]));
  const details = make('details', { class: 'ctv-help' }, make('summary', { 'aria-label': 'Mouse and keys' }, '?'), list);
  details.addEventListener('keydown', event => {
    if (event.key === 'Escape') {
      details.open = false;
    }
  });
  return details;
}

function shownKey(key: string): string {
  const parts = key.split('+').map(part => (part === ' ' ? 'space' : part));
  return parts.map(part => part.charAt(0).toUpperCase() + part.slice(1)).join(' + ') || '+';
}
