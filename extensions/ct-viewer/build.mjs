// Bundles the widget into the Python package, which sends both files to the browser with the widget's state.
import { build } from 'esbuild';
import { stat } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';

const here = name => fileURLToPath(new URL(name, import.meta.url));
const out = here('../../workbench/viewer/static');
const LIMIT_BYTES = 60 * 1024;

await build({
  entryPoints: { 'ct-viewer': here('src/index.ts') },
  outdir: out,
  bundle: true,
  format: 'esm',
  target: 'es2022',
  minify: true,
  legalComments: 'none',
  logLevel: 'warning'
});
await build({
  entryPoints: { 'ct-viewer': here('style/ct-viewer.css') },
  outdir: out,
  bundle: true,
  minify: true,
  logLevel: 'warning'
});

let total = 0;
for (const name of ['ct-viewer.js', 'ct-viewer.css']) {
  total += (await stat(`${out}/${name}`)).size;
}
if (total > LIMIT_BYTES) {
  throw new Error(`The viewer is ${total} bytes; it travels with every cell, so it must stay below ${LIMIT_BYTES}.`);
}
