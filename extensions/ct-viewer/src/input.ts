/** The habits people know from PACS: wheel, drags and keys on a plane. */
import type { PlaneView } from './plane_view';
import type { ViewState } from './state';
import type { Triple } from './types';

/** What the inputs ask of the viewer beyond the shared state. */
export interface Actions {
  redraw(): void;
  resetView(): void;
  /** The slice position under the pointer, or null when it left the plane. */
  hover(view: PlaneView, at: [number, number] | null): void;
}

const LEFT = 0;
const MIDDLE = 1;
const RIGHT = 2;
// One notch of a wheel is one slice; a trackpad sends many small steps, which add up to one.
const NOTCH_PX = 50;
const TRACKPAD_PX = 30;
const ZOOM_STEP = 1.15;
const PAGE = 10;
const PAN_PX = 24;

export function listenToPlane(view: PlaneView, state: ViewState, actions: Actions): void {
  listenToWheel(view, state, actions);
  listenToPointer(view, state, actions);
  view.canvas.addEventListener('keydown', event => onKey(event, view, state, actions));
}

/** Move the crosshair to the voxel under a canvas position; the slice itself stays. */
function point(view: PlaneView, state: ViewState, at: [number, number]): void {
  const { plane } = view;
  const [column, row] = view.camera.toSlice(...at).map(value => Math.floor(value + 0.5));
  const index: Triple = state.index;
  index[plane.column] = column;
  index[plane.row] = row;
  state.moveTo(index);
}

function listenToWheel(view: PlaneView, state: ViewState, actions: Actions): void {
  let small = 0;
  view.canvas.addEventListener(
    'wheel',
    event => {
      event.preventDefault();
      event.stopPropagation();
      if (event.ctrlKey || event.metaKey) {
        view.camera.zoomAt(...place(event, view), event.deltaY < 0 ? ZOOM_STEP : 1 / ZOOM_STEP);
        actions.redraw();
        return;
      }
      const pixels = event.deltaMode === WheelEvent.DOM_DELTA_PIXEL ? event.deltaY : Math.sign(event.deltaY) * NOTCH_PX;
      small = Math.abs(pixels) >= NOTCH_PX ? 0 : small + pixels;
      const steps = Math.abs(pixels) >= NOTCH_PX ? Math.sign(pixels) : Math.trunc(small / TRACKPAD_PX);
      small -= Math.abs(pixels) >= NOTCH_PX ? 0 : steps * TRACKPAD_PX;
      if (steps !== 0) {
        state.step(view.plane.normal, -steps * view.plane.up);
      }
    },
    { passive: false }
  );
}

function listenToPointer(view: PlaneView, state: ViewState, actions: Actions): void {
  const { canvas, camera } = view;
  let held = -1;
  let last: [number, number] = [0, 0];
  let grabbed = { ...state.window, x: 0, y: 0 };
  canvas.addEventListener('contextmenu', event => {
    event.preventDefault();
    event.stopPropagation();
  });
  // Keeps the middle button from starting the browser's own scrolling.
  canvas.addEventListener('mousedown', event => event.preventDefault());
  canvas.addEventListener('pointerdown', event => {
    canvas.focus({ preventScroll: true });
    canvas.setPointerCapture(event.pointerId);
    held = event.button;
    last = place(event, view);
    grabbed = { ...state.window, x: last[0], y: last[1] };
    if (held === LEFT) {
      point(view, state, last);
    }
  });
  canvas.addEventListener('pointermove', event => {
    const at = place(event, view);
    if (held === LEFT) {
      point(view, state, at);
    } else if (held === RIGHT) {
      // To the right widens, upwards lowers the level (brighter), in steps that follow the width.
      const step = Math.max(1, grabbed.width / 300);
      state.setWindow(grabbed.level + (at[1] - grabbed.y) * step, grabbed.width + (at[0] - grabbed.x) * step);
    } else if (held === MIDDLE) {
      camera.pan(at[0] - last[0], at[1] - last[1]);
      actions.redraw();
    }
    last = at;
    actions.hover(view, at);
  });
  const release = (): void => {
    held = -1;
  };
  canvas.addEventListener('pointerup', release);
  canvas.addEventListener('pointercancel', release);
  canvas.addEventListener('pointerleave', () => actions.hover(view, null));
}

function onKey(event: KeyboardEvent, view: PlaneView, state: ViewState, actions: Actions): void {
  const { plane, camera } = view;
  const up = plane.up;
  const last = view.count - 1;
  const pans: Record<string, [number, number]> = {
    ArrowLeft: [-PAN_PX, 0], ArrowRight: [PAN_PX, 0], ArrowUp: [0, -PAN_PX], ArrowDown: [0, PAN_PX]
  };
  const steps: Record<string, number> = {
    ArrowUp: up, ArrowRight: up, ArrowDown: -up, ArrowLeft: -up,
    PageUp: PAGE * up, PageDown: -PAGE * up,
    Home: -view.wished, End: last - view.wished
  };
  if (event.ctrlKey || event.metaKey || event.altKey) {
    return;
  }
  if (event.shiftKey && event.key in pans) {
    camera.pan(...pans[event.key]);
    actions.redraw();
  } else if (event.key in steps) {
    state.step(plane.normal, steps[event.key]);
  } else if (['+', '=', '-'].includes(event.key)) {
    camera.zoomAt(camera.width / 2, camera.height / 2, event.key === '-' ? 1 / ZOOM_STEP : ZOOM_STEP);
    actions.redraw();
  } else {
    return;
  }
  event.preventDefault();
}

/** Keys that mean the same wherever the focus is inside the viewer. */
export function listenToKeys(root: HTMLElement, state: ViewState, actions: Actions): void {
  root.addEventListener('keydown', event => {
    const target = event.target as HTMLElement;
    const isTyping = target.matches('input, select');
    const isPressing = event.key === ' ' && target.matches('button, summary');
    if (isTyping || isPressing || event.ctrlKey || event.metaKey || event.altKey) {
      return;
    }
    const preset = state.presets[Number(event.key) - 1];
    if (event.key >= '1' && event.key <= '5' && preset) {
      state.setPreset(preset.name);
    } else if (event.key === ' ') {
      state.setOverlays(!state.overlays);
    } else if (event.key === 'r' || event.key === 'R') {
      actions.resetView();
    } else {
      return;
    }
    event.preventDefault();
  });
}

function place(event: MouseEvent, view: PlaneView): [number, number] {
  const box = view.canvas.getBoundingClientRect();
  return [event.clientX - box.left, event.clientY - box.top];
}
