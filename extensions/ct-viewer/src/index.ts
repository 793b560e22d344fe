/**
 * The widget's entry, in the form anywidget loads. It travels with every cell, so it only fetches the real code: from
 * the Jupyter server, where the browser keeps it, else from the kernel.
 */
import { baseUrl } from './base_url';
import type * as Main from './main';
import type { Model } from './types';

interface Context {
  model: Model;
}

interface CodeAnswer {
  kind?: string;
}

const FROM_KERNEL_MS = 20_000;

export default (): object => {
  let loading: Promise<{ main: typeof Main; url: Main.ModuleUrl }> | null = null;
  const load = (model: Model) => (loading ??= fromServer(model).catch(() => fromKernel(model)));

  return {
    initialize({ model }: Context) {
      const loaded = load(model);
      return () => void loaded.then(({ main }) => main.leave(model));
    },
    render({ model, el }: Context & { el: HTMLElement }) {
      let close: (() => void) | null = null;
      let isClosed = false;
      load(model).then(
        ({ main, url }) => {
          close = isClosed ? null : main.show(model, el, url);
        },
        (problem: unknown) => {
          el.textContent = `The viewer could not be loaded (${String(problem)}). Reload the page, then run the cell again.`;
        }
      );
      return () => {
        isClosed = true;
        close?.();
      };
    }
  };
};

async function fromServer(model: Model): Promise<{ main: typeof Main; url: Main.ModuleUrl }> {
  // In full: anywidget runs this loader from a blob, against which a path alone leads nowhere.
  const url = (name: string): string =>
    new URL(`${baseUrl()}workbench/viewer/${name}?v=${model.get('code')}`, document.baseURI).href;
  return { main: (await import(url('viewer.js'))) as typeof Main, url };
}

/** Where no server of the workbench stands behind the page: other programs that show notebooks. */
function fromKernel(model: Model): Promise<{ main: typeof Main; url: Main.ModuleUrl }> {
  return new Promise((done, fail) => {
    const onCode = (answer: CodeAnswer, buffers: DataView[]): void => {
      if (answer.kind === 'code' && buffers[0]) {
        model.off('msg:custom', onCode as never);
        const url = URL.createObjectURL(new Blob([buffers[0] as DataView<ArrayBuffer>], { type: 'text/javascript' }));
        import(url).then(main => done({ main: main as typeof Main, url: () => null }), fail);
      }
    };
    model.on('msg:custom', onCode as never);
    model.send({ kind: 'code' });
    setTimeout(() => fail(new Error('neither the Jupyter server nor the kernel gave its code')), FROM_KERNEL_MS);
  });
}
