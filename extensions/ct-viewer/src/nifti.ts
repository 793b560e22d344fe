/**
 * A volume as the bytes of a NIfTI-1 file, the form that NiiVue takes in memory.
 * Source: NIfTI-1 (nifti1.h): 348 bytes of header, `sform` in RAS, the data from byte 352 on.
 */
import type { Grid } from './geometry';
import type { Triple } from './types';

const HEADER = 348;
const DATA = 352;
const INT16 = 4;
const UINT16 = 512;
const SCANNER = 1;

export interface NiftiVolume {
  /** The full grid, the shape (z, y, x) at the level, and voxels of the grid along one of the level. */
  grid: Grid;
  shape: Triple;
  block: number;
  values: Int16Array | Uint16Array;
  slope: number;
  intercept: number;
}

export function nifti({ grid, shape, block, values, slope, intercept }: NiftiVolume): ArrayBuffer {
  const buffer = new ArrayBuffer(DATA + values.byteLength);
  const head = new DataView(buffer);
  const spacing = grid.spacing.map(step => step * block);
  const float = (at: number, value: number): void => head.setFloat32(at, value, true);
  head.setInt32(0, HEADER, true);
  [3, shape[2], shape[1], shape[0], 1, 1, 1, 1].forEach((size, i) => head.setInt16(40 + 2 * i, size, true));
  head.setInt16(70, values instanceof Int16Array ? INT16 : UINT16, true);
  head.setInt16(72, 16, true);
  [1, spacing[2], spacing[1], spacing[0]].forEach((size, i) => float(76 + 4 * i, size));
  float(108, DATA);
  float(112, slope);
  float(116, intercept);
  head.setUint8(123, 2);
  head.setInt16(254, SCANNER, true);
  // The centre of a coarse voxel lies amid those it stands for.
  const first = grid.toPatient([(block - 1) / 2, (block - 1) / 2, (block - 1) / 2]);
  [-1, -1, 1].forEach((sign, row) => {
    // NIfTI counts x to the right and y to the front; the patient's coordinates here go left and back.
    [0, 1, 2].forEach(column => {
      float(280 + 16 * row + 4 * column, sign * grid.direction[3 * row + column] * spacing[2 - column]);
    });
    float(280 + 16 * row + 12, sign * first[row]);
  });
  new Uint8Array(buffer, 344, 4).set([0x6e, 0x2b, 0x31, 0]);
  new Uint8Array(buffer, DATA).set(new Uint8Array(values.buffer, values.byteOffset, values.byteLength));
  return buffer;
}
