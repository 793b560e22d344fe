/** The browser's part of the widget, as the loader finds it: one source of slices a model, one viewer a place. */
import css from '../style/ct-viewer.css';
import { baseUrl } from './base_url';
import { offerCard } from './gl_painter';
import { SliceSource } from './source';
import type { Model } from './types';
import { Viewer } from './viewer';

/** Gives the address of a further module, or null where there is none to load it from. */
export type ModuleUrl = (name: string) => string | null;

const STYLE = 'ctv-style';
const sources = new WeakMap<Model, SliceSource>();

offerCard();

/** Show a model in an element; gives what takes it away again. */
export function show(model: Model, host: HTMLElement, moduleUrl: ModuleUrl): () => void {
  addStyle(host.ownerDocument);
  const viewer = new Viewer(model, host, sourceOf(model), moduleUrl);
  return () => viewer.close();
}

/** The kernel has closed the model: stop asking, and let go of every slice. */
export function leave(model: Model): void {
  sources.get(model)?.close();
  sources.delete(model);
}

function sourceOf(model: Model): SliceSource {
  let source = sources.get(model);
  if (!source) {
    source = new SliceSource(model, baseUrl());
    sources.set(model, source);
  }
  return source;
}

function addStyle(page: Document): void {
  const old = page.getElementById(STYLE);
  if (old?.textContent === css) {
    return;
  }
  old?.remove();
  const style = page.createElement('style');
  style.id = STYLE;
  style.textContent = css;
  page.head.append(style);
}
