/** The controls of a comparison: how, how much, in which colours, and the second volume's window. */
import type { Context } from './context';
import { make } from './elements';
import type { ShownVolume } from './shown_volume';
import type { Compare } from './types';
import { clampWindow, writeWindow } from './windowing';

const SQUARE_LIMITS_MM: [number, number] = [2, 500];

export interface CompareControls {
  element: HTMLElement;
  update(): void;
}

export function compareControls({ state }: Context, other: ShownVolume): CompareControls {
  const { title, unit } = other.facts;
  const set = (changes: Partial<Compare>): void => state.set({ compare: { ...state.get('compare'), ...changes } });
  const mode = choice('How the two volumes are compared', { off: 'Off', blend: 'Blend', checkerboard: 'Checkerboard' });
  const share = make('input', { type: 'range', min: '0', max: '1', step: '0.05', 'aria-label': `Share of ${title}` });
  const square = numberField('Squares in mm', '1');
  const colour = choice(`Colours of ${title}`, { grey: 'Grey', hot: 'Hot colours' });
  const plane = choice('Plane side by side', {
    axial: 'Axial', coronal: 'Coronal', sagittal: 'Sagittal', all: 'All three'
  });
  const preset = make('select', { 'aria-label': `Window preset of ${title}` });
  const level = numberField(`Window level of ${title} in ${unit}`, other.isWhole ? '10' : 'any');
  const width = numberField(`Window width of ${title} in ${unit}`, other.isWhole ? '10' : 'any');
  mode.addEventListener('change', () => set({ mode: mode.value as Compare['mode'] }));
  share.addEventListener('input', () => set({ share: share.valueAsNumber }));
  square.addEventListener('change', () => set({ square_mm: within(square.valueAsNumber, SQUARE_LIMITS_MM) }));
  colour.addEventListener('change', () => set({ colour: colour.value as Compare['colour'] }));
  plane.addEventListener('change', () => set({ plane: plane.value as Compare['plane'] }));
  preset.addEventListener('change', () => state.set({ window_other: preset.value }));
  for (const field of [level, width]) {
    field.addEventListener('change', () => {
      const wish = clampWindow(level.valueAsNumber, width.valueAsNumber, state.get('presets_other'), other.isWhole);
      state.set({ window_other: writeWindow(wish) });
    });
  }
  const planes = make('label', {}, 'Plane ', plane);
  const colours = make('label', {}, 'in ', colour);
  const second = make(
    'span', { class: 'ctv-tools' },
    make('label', { title }, `${short(title)} `, preset), make('label', {}, 'L ', level), make('label', {}, 'W ', width)
  );
  const element = make(
    'span', { class: 'ctv-group', role: 'group', 'aria-label': `Comparison with ${title}` },
    make('label', {}, 'Compare ', mode), share, square, colours, planes,
    second
  );
  fill();

  function fill(): void {
    const options = state.get('presets_other').map(one => make('option', { value: one.name, title: one.source }, one.name));
    preset.replaceChildren(...options, make('option', { value: '', disabled: '' }, 'own window'));
  }

  return {
    element,
    update() {
      const wish = state.get('compare');
      const shown = state.windowOther;
      mode.value = wish.mode;
      colour.value = wish.colour;
      plane.value = wish.plane;
      share.value = String(wish.share);
      share.title = `${Math.round(wish.share * 100)} % ${title}`;
      share.setAttribute('aria-valuetext', share.title);
      preset.value = shown.name ?? '';
      write(square, wish.square_mm);
      write(level, shown.level);
      write(width, shown.width);
      share.hidden = wish.mode !== 'blend';
      square.hidden = wish.mode !== 'checkerboard';
      colours.hidden = wish.mode === 'off';
      planes.hidden = state.get('arrangement') !== 'side-by-side';
      second.hidden = wish.mode === 'off' && planes.hidden;
    }
  };
}

/** Write a number unless somebody is typing there. */
export function write(field: HTMLInputElement, value: number): void {
  if (field.ownerDocument.activeElement !== field || field.value === '') {
    field.value = String(value);
  }
}

export function choice(name: string, options: Record<string, string>): HTMLSelectElement {
  const items = Object.entries(options).map(([value, words]) => make('option', { value }, words));
  return make('select', { 'aria-label': name, title: name }, ...items);
}

export function numberField(name: string, step: string): HTMLInputElement {
  return make('input', { type: 'number', step, 'aria-label': name, title: name });
}

export function within(value: number, [low, high]: [number, number]): number {
  return Number.isFinite(value) ? Math.min(Math.max(value, low), high) : low;
}

function short(title: string): string {
  return title.length > 18 ? `${title.slice(0, 17)}…` : title;
}
