/** Numbers as people read them. */
import type { Triple } from './types';

/** A number with a real minus sign. */
export function signed(value: number | string): string {
  return String(value).replace('-', '−');
}

/** A patient position, named as what it is. */
export function place(position: Triple): string {
  const [x, y, z] = position.map(value => signed(value.toFixed(1)));
  return `x ${x}  y ${y}  z ${z} mm (LPS)`;
}
