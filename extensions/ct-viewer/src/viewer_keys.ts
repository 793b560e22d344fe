/** The keys that belong to no feature: presets, overlays, undo, reset. */
import type { Key } from './context';
import type { Viewer } from './viewer';

export function viewerKeys(viewer: Viewer): Key[] {
  const { state } = viewer;
  const presets = [0, 1, 2, 3, 4].map(number => ({
    key: String(number + 1),
    what: number === 0 ? 'window presets, to 5' : '',
    run: () => {
      const preset = state.get('presets').at(number);
      return preset ? (state.setPreset(preset.name), true) : false;
    }
  }));
  const tools = viewer.features.flatMap(feature => feature.tools ?? []);
  return [
    ...presets,
    { key: ' ', what: 'everything drawn over the picture on or off', run: () => turnOverlays(viewer) },
    { key: 'i', what: 'invert the greys', run: () => (state.set({ inverted: !state.get('inverted') }), true) },
    { key: 'r', what: 'back to how the cell opened it', run: () => (viewer.resetView(), true) },
    { key: 'ctrl+z', what: 'undo', run: () => (viewer.undo(), true) },
    { key: 'ctrl+shift+z', what: 'do again', run: () => (viewer.redo(), true) },
    { key: 'ctrl+y', what: '', run: () => (viewer.redo(), true) },
    { key: 'escape', what: 'put the tool away', run: () => putAway(viewer) },
    ...tools.filter(tool => tool.key).map(tool => ({
      key: tool.key ?? '', what: '',
      run: () => (viewer.chooseTool(viewer.tool?.id === tool.id ? null : tool.id), true)
    }))
  ];
}

function turnOverlays({ state }: Viewer): boolean {
  state.set({ overlays_visible: !state.overlays });
  return true;
}

function putAway(viewer: Viewer): boolean {
  const had = viewer.tool !== null;
  viewer.chooseTool(null);
  return had;
}
