// Builds the extension twice over: esbuild turns the sources into one module (types are checked by
// `npm run check`, not here, so that installing stays quick), then Jupyter's builder wraps it for JupyterLab.
import { spawnSync } from 'node:child_process';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const here = fileURLToPath(new URL('.', import.meta.url));
const { resolve } = createRequire(import.meta.url);

await build({
  absWorkingDir: here,
  entryPoints: ['src/index.ts'],
  outfile: 'lib/index.js',
  bundle: true,
  // JupyterLab shares its own packages at run time; none is copied into the extension.
  packages: 'external',
  format: 'esm',
  jsx: 'transform',
  target: 'es2022',
  loader: { '.svg': 'text' },
  logLevel: 'warning'
});

const builder = resolve('@jupyter/builder/lib/build-labextension.js');
const core = resolve('@jupyterlab/core-meta/core.package.json');
const outcome = spawnSync(process.execPath, [builder, '--core-package-file', core, here], { stdio: 'inherit' });
process.exit(outcome.status ?? 1);
