// Bundles the widget into the Python package: a loader that travels with every cell, and the code that it fetches.
import { build } from 'esbuild';
import { stat } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';

const here = name => fileURLToPath(new URL(name, import.meta.url));
const out = here('../../workbench/viewer/static');
const LOADER_LIMIT_BYTES = 6 * 1024;

const shared = {
  outdir: out, bundle: true, format: 'esm', target: 'es2022', minify: true, legalComments: 'none', logLevel: 'warning',
  loader: { '.css': 'text' }
};
await build({ ...shared, entryPoints: { 'ct-viewer': here('src/index.ts') } });
await build({ ...shared, entryPoints: { viewer: here('src/main.ts') } });
// NiiVue is large, and fetched only when somebody asks for the volume.
await build({ ...shared, entryPoints: { volume3d: here('src/volume3d.ts') } });

const { size } = await stat(`${out}/ct-viewer.js`);
if (size > LOADER_LIMIT_BYTES) {
  throw new Error(`The loader is ${size} bytes; it travels with every cell, so it must stay below ${LOADER_LIMIT_BYTES}.`);
}
