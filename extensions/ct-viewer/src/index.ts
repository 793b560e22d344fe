/** The widget's entry, in the form anywidget loads: one source of slices a model, one viewer a place it is shown. */
import { baseUrl } from './base_url';
import { layPlanes } from './planes';
import { SliceSource } from './source';
import { gridOf } from './state';
import type { Model } from './types';
import { Viewer } from './viewer';

interface Context {
  model: Model;
}

export default (): object => {
  let source: SliceSource | null = null;

  const open = (model: Model): SliceSource => {
    const view = encodeURIComponent(model.get('view_id'));
    return new SliceSource(`${baseUrl()}workbench/api/views/${view}`);
  };

  return {
    /** Ask for the first three slices at once, while Python still makes the picture for the notebook file. */
    initialize({ model }: Context) {
      source = open(model);
      const grid = gridOf(model);
      const index = grid.nearest(model.get('position_mm'));
      source.wish(null, {
        visible: layPlanes(grid).map(plane => `${plane.name}/${index[plane.normal]}` as const),
        ahead: []
      });
      return () => source?.close();
    },
    render({ model, el }: Context & { el: HTMLElement }) {
      source ??= open(model);
      const viewer = new Viewer(model, el, source);
      source.leave(null);
      return () => viewer.close();
    }
  };
};
