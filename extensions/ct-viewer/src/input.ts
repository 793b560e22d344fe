/** The habits people know from PACS: wheel, drags and keys on a plane. */
import type { Drag, Feature, PlanePoint, Tool } from './context';
import type { PlaneView } from './plane_view';
import type { ViewState } from './state';
import type { Triple } from './types';

/** What the inputs ask of the viewer beyond the shared state. */
export interface Actions {
  readonly features: readonly Feature[];
  readonly tool: Tool | null;
  redraw(): void;
  /** The place under the pointer, or null when it left the plane. */
  hover(at: PlanePoint | null): void;
  focus(view: PlaneView): void;
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
  view.canvas.addEventListener('focus', () => actions.focus(view));
}

function listenToWheel(view: PlaneView, state: ViewState, actions: Actions): void {
  let small = 0;
  view.canvas.addEventListener(
    'wheel',
    event => {
      event.preventDefault();
      event.stopPropagation();
      if (event.ctrlKey || event.metaKey) {
        const { x, y } = place(event, view);
        view.camera.zoomAt(x, y, event.deltaY < 0 ? ZOOM_STEP : 1 / ZOOM_STEP);
        actions.redraw();
        return;
      }
      const pixels = event.deltaMode === WheelEvent.DOM_DELTA_PIXEL ? event.deltaY : Math.sign(event.deltaY) * NOTCH_PX;
      small = Math.abs(pixels) >= NOTCH_PX ? 0 : small + pixels;
      const steps = Math.abs(pixels) >= NOTCH_PX ? Math.sign(pixels) : Math.trunc(small / TRACKPAD_PX);
      small -= Math.abs(pixels) >= NOTCH_PX ? 0 : steps * TRACKPAD_PX;
      if (steps !== 0) {
        stepThrough(view, state, -steps * view.plane.up);
      }
    },
    { passive: false }
  );
}

/** Step through a plane's own slices: the crosshair moves along its normal. */
export function stepThrough(view: PlaneView, state: ViewState, steps: number): void {
  const { grid } = view.volume;
  const index = grid.nearest(state.position);
  index[view.plane.normal] += steps;
  const position = grid.toPatient(grid.clamp(index));
  state.set({ position_mm: view.volume.id === 'v0' ? position : state.inside(position) });
}

function listenToPointer(view: PlaneView, state: ViewState, actions: Actions): void {
  const { canvas } = view;
  let drag: Drag | null = null;
  canvas.addEventListener('contextmenu', event => {
    event.preventDefault();
    event.stopPropagation();
  });
  // Keeps the middle button from starting the browser's own scrolling.
  canvas.addEventListener('mousedown', event => event.preventDefault());
  canvas.addEventListener('pointerdown', event => {
    canvas.focus({ preventScroll: true });
    canvas.setPointerCapture(event.pointerId);
    drag?.cancel();
    drag = dragOf(place(event, view), event, state, actions);
  });
  canvas.addEventListener('pointermove', event => {
    const at = place(event, view);
    drag?.move(at, event);
    actions.hover(at);
  });
  canvas.addEventListener('pointerup', event => {
    drag?.end(place(event, view), event);
    drag = null;
  });
  canvas.addEventListener('pointercancel', () => {
    drag?.cancel();
    drag = null;
  });
  canvas.addEventListener('pointerleave', () => actions.hover(null));
}

function dragOf(at: PlanePoint, event: PointerEvent, state: ViewState, actions: Actions): Drag | null {
  if (event.button === RIGHT) {
    return windowDrag(at, state);
  }
  if (event.button === MIDDLE) {
    return panDrag(at, actions);
  }
  if (event.button !== LEFT) {
    return null;
  }
  for (const feature of [...actions.features].reverse()) {
    const drag = state.overlays ? feature.grab?.(at, event) : null;
    if (drag) {
      return drag;
    }
  }
  return actions.tool ? actions.tool.down(at, event) : crosshairDrag(at, state);
}

function windowDrag(from: PlanePoint, state: ViewState): Drag {
  const isOther = from.view.volume.id !== 'v0';
  const grabbed = isOther ? state.windowOther : state.window;
  // To the right widens, upwards lowers the level (brighter), in steps that follow the width.
  const step = from.view.volume.isWhole ? Math.max(1, grabbed.width / 300) : grabbed.width / 300;
  return {
    move(at) {
      const level = grabbed.level + (at.y - from.y) * step;
      const width = Math.max(grabbed.width + (at.x - from.x) * step, step);
      if (isOther) {
        state.set({ window_other: [level, width] });
      } else {
        state.setWindow(level, width);
      }
    },
    end: () => undefined,
    cancel: () => undefined
  };
}

function panDrag(from: PlanePoint, actions: Actions): Drag {
  let last = from;
  return {
    move(at) {
      at.view.camera.pan(at.x - last.x, at.y - last.y);
      last = at;
      actions.redraw();
    },
    end: () => undefined,
    cancel: () => undefined
  };
}

/** Move the crosshair to the voxel under the pointer; the slice itself stays. */
function crosshairDrag(from: PlanePoint, state: ViewState): Drag {
  const move = (at: PlanePoint): void => {
    const { grid, id } = at.view.volume;
    const voxel = grid.clamp(at.index.map(value => Math.floor(value + 0.5)) as Triple);
    state.set({ position_mm: id === 'v0' ? grid.toPatient(voxel) : state.inside(grid.toPatient(voxel)) });
  };
  move(from);
  return { move, end: () => undefined, cancel: () => undefined };
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
  if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) {
    return;
  }
  if (event.shiftKey && event.key in pans) {
    camera.pan(...pans[event.key]);
    actions.redraw();
  } else if (event.key in steps) {
    stepThrough(view, state, steps[event.key]);
  } else if (['+', '=', '-'].includes(event.key)) {
    camera.zoomAt(camera.width / 2, camera.height / 2, event.key === '-' ? 1 / ZOOM_STEP : ZOOM_STEP);
    actions.redraw();
  } else if (event.key === 'Enter' && actions.tool?.point) {
    actions.tool.point(view.crosshair);
  } else {
    return;
  }
  event.preventDefault();
}

function place(event: MouseEvent, view: PlaneView): PlanePoint {
  const box = view.canvas.getBoundingClientRect();
  return view.pointAt(event.clientX - box.left, event.clientY - box.top);
}
