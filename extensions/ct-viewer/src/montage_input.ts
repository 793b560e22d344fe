/** Wheel, keys and double click on a sheet of slices; everything else a plane understands stays as it is. */
import type { Context } from './context';
import type { MontageSheet } from './montage_sheet';
import type { PlaneView } from './plane_view';

const NOTCH_PX = 50;

export function listenToSheet(montage: MontageSheet, context: Context): void {
  const { sheet } = montage;
  listenToWheel(montage);
  sheet.addEventListener('dblclick', event => {
    const view = viewOf(montage, event.target);
    if (view && context.tool === null) {
      montage.open(view);
    }
  });
  // Before the planes, which would step through slices.
  sheet.addEventListener('keydown', event => {
    const view = viewOf(montage, event.target);
    const isPlain = !event.shiftKey && !event.ctrlKey && !event.metaKey && !event.altKey;
    if (view && isPlain && onKey(event.key, view, montage, context)) {
      event.preventDefault();
      event.stopPropagation();
    }
  }, { capture: true });
}

function listenToWheel(montage: MontageSheet): void {
  let small = 0;
  montage.sheet.addEventListener('wheel', event => {
    if (event.ctrlKey || event.metaKey) {
      return;
    }
    event.preventDefault();
    event.stopPropagation();
    small += event.deltaMode === WheelEvent.DOM_DELTA_PIXEL ? event.deltaY : Math.sign(event.deltaY) * NOTCH_PX;
    if (Math.abs(small) >= NOTCH_PX) {
      montage.turn(small > 0 ? 1 : -1);
      small = 0;
    }
  }, { capture: true, passive: false });
}

function onKey(key: string, view: PlaneView, montage: MontageSheet, context: Context): boolean {
  const cells: Record<string, number> = {
    ArrowRight: 1, ArrowLeft: -1, ArrowDown: montage.columns, ArrowUp: -montage.columns
  };
  if (key in cells) {
    montage.goFrom(view, cells[key]);
  } else if (key === 'PageDown' || key === 'PageUp') {
    montage.turn(key === 'PageDown' ? 1 : -1);
  } else if (key === 'Home' || key === 'End') {
    montage.goToEnd(key === 'End');
  } else if (key === 'Enter' && context.tool === null) {
    montage.open(view);
  } else {
    return false;
  }
  return true;
}

function viewOf(montage: MontageSheet, target: EventTarget | null): PlaneView | undefined {
  return montage.views.find(view => view.canvas === target);
}
