/**
 * Shows itkwidgets 0.32 in JupyterLab: its browser part was made for the classic notebook, so nothing registers it here.
 *
 * The file is the one of the Python package, an AMD module, as the Jupyter server has it. It derives from the widgets'
 * base classes by Backbone's `extend`, which calls the parent without `new`; of today's classes it gets derived ones
 * whose `extend` makes a class.
 */
import { PageConfig } from '@jupyterlab/coreutils';
import * as base from '@jupyter-widgets/base';

export const ITKWIDGETS_VERSION = '0.32.4';
const FILES = 'workbench/nbextensions/itkwidgets/';

type Class = new (...parts: never[]) => object;
type Exports = Record<string, typeof base.WidgetModel | typeof base.WidgetView>;
type Factory = (widgets: object) => Exports;
type Define = (needs: string[], factory: Factory) => void;

type Draw = (this: WebGL2RenderingContext, mode: number, first: number, count: number) => void;

/** What is used of a view of itkwidgets. */
interface ItkView {
  el: HTMLElement;
  render: (this: ItkView) => unknown;
  remove: (this: ItkView) => unknown;
  initialize_itkVtkViewer: (this: ItkView) => void;
  vmin_changed: (this: ItkView) => void;
  vmax_changed: (this: ItkView) => void;
  model: {
    get: (name: 'vmin' | 'vmax') => number[] | null;
    itkVtkViewer?: {
      getColorRange: (component: number) => [number, number];
      setColorRange: (component: number, range: [number, number]) => void;
    };
  };
}

declare global {
  interface Window {
    define?: unknown;
  }
}

let loading: Promise<Exports> | null = null;

/** Load it once, when the first of its widgets is shown; after a failure the next widget tries again. */
export function loadItkwidgets(): Promise<Exports> {
  loading ??= load().catch((reason: unknown) => {
    loading = null;
    throw reason;
  });
  return loading;
}

async function load(): Promise<Exports> {
  // It starts its workers from below the address that the classic notebook's page carries, and asks for it at once.
  const root = new URL(PageConfig.getBaseUrl(), location.href).pathname;
  const body = document.body;
  const before = body.getAttribute('data-base-url');
  const factory = await factoryOf(`${root}${FILES}index.js`);
  body.setAttribute('data-base-url', `${root}workbench/`);
  try {
    const given = factory({
      ...base,
      DOMWidgetModel: extendable(base.DOMWidgetModel),
      DOMWidgetView: extendable(base.DOMWidgetView)
    });
    takeLimits(given['ViewerView']?.prototype as unknown as ItkView);
    drawWhenReady(given['ViewerView']?.prototype as unknown as ItkView);
    return given;
  } finally {
    if (before === null) {
      body.removeAttribute('data-base-url');
    } else {
      body.setAttribute('data-base-url', before);
    }
  }
}

/**
 * Let a view draw only when all its traits are set.
 *
 * While it is set up it renders the volume nine times, even where a slice is wanted: a minute and more without a GPU.
 */
function drawWhenReady(view: ItkView): void {
  const { render, initialize_itkVtkViewer: initialize, remove } = view;
  view.render = function (this: ItkView) {
    hold(this.el);
    return render.call(this);
  };
  view.initialize_itkVtkViewer = function (this: ItkView) {
    try {
      initialize.call(this);
    } finally {
      release(this.el);
    }
  };
  view.remove = function (this: ItkView) {
    release(this.el);
    return remove.call(this);
  };
}

/** Let `vmin` and `vmax` be heard: it changes the range in place, finds it unchanged, and leaves it as it was. */
function takeLimits(view: ItkView): void {
  const take = function (this: ItkView): void {
    const viewer = this.model.itkVtkViewer;
    const [lows, highs] = [this.model.get('vmin'), this.model.get('vmax')];
    for (let component = 0; viewer && component < Math.max(lows?.length ?? 0, highs?.length ?? 0); component++) {
      const [low, high] = viewer.getColorRange(component);
      viewer.setColorRange(component, [lows?.[component] ?? low, highs?.[component] ?? high]);
    }
  };
  view.vmin_changed = take;
  view.vmax_changed = take;
}

const held = new Set<HTMLElement>();
let drawing: Draw | null = null;

function hold(element: HTMLElement): void {
  held.add(element);
  if (drawing === null && 'WebGL2RenderingContext' in window) {
    const draw = Object.getOwnPropertyDescriptor(WebGL2RenderingContext.prototype, 'drawArrays')?.value as Draw;
    drawing = draw;
    WebGL2RenderingContext.prototype.drawArrays = function (this: WebGL2RenderingContext, mode, first, count) {
      const { canvas } = this;
      if (!(canvas instanceof Node && [...held].some(one => one.contains(canvas)))) {
        draw.call(this, mode, first, count);
      }
    };
  }
}

function release(element: HTMLElement): void {
  held.delete(element);
  if (held.size === 0 && drawing !== null) {
    WebGL2RenderingContext.prototype.drawArrays = drawing;
    drawing = null;
  }
}

/** Run a script that calls `define`, and give what it defines; other scripts' `define` stays what it was. */
function factoryOf(url: string): Promise<Factory> {
  return new Promise((resolve, reject) => {
    const script = document.createElement('script');
    const others = window.define;
    const mine: Define = (needs, factory) => {
      if (document.currentScript === script) {
        resolve(factory);
      } else if (typeof others === 'function') {
        (others as Define)(needs, factory);
      }
    };
    const done = (): void => {
      if (window.define === mine) {
        window.define = others;
      }
      script.remove();
    };
    script.onload = () => {
      done();
      reject(new Error(`${url} defines no module; is it itkwidgets ${ITKWIDGETS_VERSION}?`));
    };
    script.onerror = () => {
      done();
      reject(
        new Error(
          'The Jupyter server has no itkwidgets to show: install the extra "itk" of ai4h-workbench where it runs.'
        )
      );
    };
    window.define = mine;
    script.src = url;
    document.head.append(script);
  });
}

/** Give a class that can be derived from as Backbone does: `Parent.extend(members, statics)`. */
function extendable<Parent extends Class>(parent: Parent): Parent {
  // TypeScript wants a constructor of `any` for a mixin; a class expression over an unknown parent does without.
  const derive = function (this: Class, members: object, statics?: object): Class {
    const child = class extends this {};
    Object.assign(child.prototype, members);
    return Object.assign(child, statics);
  };
  const open = class extends (parent as Class) {};
  return Object.assign(open, { extend: derive }) as unknown as Parent;
}
