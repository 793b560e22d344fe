/** The scan in three dimensions, by NiiVue; loaded only when somebody asks for it. */
import { Niivue, NVImage } from '@niivue/niivue';
import { choice } from './compare_controls';
import type { Context } from './context';
import { make } from './elements';
import { nifti } from './nifti';
import type { LabelLayer } from './types';
import { Gathering, levelOf } from './volume_slices';

const RENDER = 4;
const TURN_DEGREES = 10;
const NO_WEBGL =
  'This browser offers no WebGL 2, which a volume needs, so nothing is drawn here; the planes show the same scan.';
const SOFTWARE = 'drawn without a graphics card, so turning it is slow';
/** NiiVue's own colour maps for Hounsfield units; what lies below each is transparent. */
const CT_LOOKS: Record<string, string> = {
  ct_bones: 'Bones', ct_soft_tissue: 'Soft tissue', ct_airways: 'Airways', ct_artery: 'Arteries', gray: 'As windowed'
};

export interface OpenVolume {
  update(): void;
  close(): void;
}

export async function openVolume(host: HTMLElement, context: Context): Promise<OpenVolume> {
  const probe = document.createElement('canvas').getContext('webgl2');
  if (!probe) {
    host.replaceChildren(make('p', { class: 'ctv-volume-words', role: 'alert' }, NO_WEBGL));
    return { update: () => undefined, close: () => host.replaceChildren() };
  }
  const isSoftware = /swiftshader|llvmpipe|software/i.test(rendererOf(probe));
  probe.getExtension('WEBGL_lose_context')?.loseContext();
  const view = new VolumeView(host, context, isSoftware);
  await view.open();
  return view;
}

class VolumeView implements OpenVolume {
  private readonly canvas = make('canvas', {
    class: 'ctv-volume-canvas', tabindex: '0', role: 'img',
    'aria-label': 'The volume in three dimensions; arrow keys turn it, plus and minus zoom'
  });
  private readonly words = make('span', { class: 'ctv-volume-words', role: 'status' }, 'Loading the volume …');
  private readonly looks: HTMLSelectElement;
  private readonly engine: Niivue;
  private readonly gatherings: Gathering[] = [];
  private image: NVImage | null = null;
  private isClosed = false;

  constructor(
    private readonly host: HTMLElement,
    private readonly context: Context,
    private readonly isSoftware: boolean
  ) {
    const isCT = context.volumes[0].facts.modality === 'CT';
    this.looks = choice('What the volume shows', isCT ? CT_LOOKS : { gray: 'As windowed' });
    this.looks.addEventListener('change', () => this.look());
    this.engine = new Niivue({
      backColor: [0, 0, 0, 1], show3Dcrosshair: true, isOrientCube: false, loadingText: '', logLevel: 'error',
      isColorbar: false, dragAndDropEnabled: false, forceDevicePixelRatio: isSoftware ? 0.5 : 0
    });
    const frame = make('div', { class: 'ctv-volume-frame' }, this.canvas);
    host.replaceChildren(make('div', { class: 'ctv-volume-bar' }, this.looks, this.words), frame);
    this.canvas.addEventListener('keydown', this.onKey);
  }

  async open(): Promise<void> {
    await this.engine.attachToCanvas(this.canvas, false);
    this.engine.setSliceType(RENDER);
    const level = levelOf(this.context);
    const shown = this.context.volumes[0];
    const got = await this.gather(shown.id, level);
    if (this.isClosed) {
      return;
    }
    const { slope, intercept } = shown.facts;
    const bytes = nifti({ grid: shown.grid, block: 2 ** level, ...got, slope, intercept });
    this.image = await imageOf(bytes, shown.facts.title, 1, this.range);
    this.engine.addVolume(this.image);
    for (const layer of this.context.state.get('labels').filter(one => one.visible)) {
      await this.addLabels(layer, level);
    }
    this.look();
    const voxels = [...got.shape].join(' × ');
    const note = `${voxels} voxels${level ? `, each for ${2 ** level} along every axis` : ''}`;
    this.words.textContent = this.isSoftware ? `${note}; ${SOFTWARE}` : note;
    this.host.dataset.ready = '';
  }

  update(): void {
    if (this.image && !this.isClosed) {
      const [x, y, z] = this.context.state.position;
      this.engine.scene.crosshairPos = this.engine.mm2frac([-x, -y, z]);
      if (this.looks.value === 'gray') {
        [this.image.cal_min, this.image.cal_max] = this.range;
        this.engine.updateGLVolume();
      } else {
        this.engine.drawScene();
      }
    }
  }

  close(): void {
    this.isClosed = true;
    this.gatherings.forEach(one => one.close());
    this.canvas.removeEventListener('keydown', this.onKey);
    this.engine.cleanup();
    this.canvas.getContext('webgl2')?.getExtension('WEBGL_lose_context')?.loseContext();
    delete this.host.dataset.ready;
    this.host.replaceChildren();
  }

  private get range(): [number, number] {
    const { level, width } = this.context.state.window;
    return [level - width / 2, level + width / 2];
  }

  private gather(layer: string, level: number) {
    const tell = (share: number) => (this.words.textContent = `Loading the volume: ${Math.round(100 * share)} %`);
    const gathering = new Gathering(this.context, layer, level, tell, sentence => this.refuse(sentence));
    this.gatherings.push(gathering);
    return gathering.done;
  }

  private async addLabels(layer: LabelLayer, level: number): Promise<void> {
    const got = await this.gather(layer.id, level);
    if (this.isClosed) {
      return;
    }
    const bytes = nifti({ grid: this.context.volumes[0].grid, block: 2 ** level, ...got, slope: 1, intercept: 0 });
    const highest = Math.max(1, ...layer.segments.map(one => one.value));
    const image = await imageOf(bytes, layer.title, layer.opacity, [0, highest]);
    const shown = layer.segments.filter(one => one.visible);
    const part = (at: number) => [0, ...shown.map(one => parseInt(one.colour.slice(at, at + 2), 16))];
    image.setColormapLabel({
      R: part(1), G: part(3), B: part(5), A: [0, ...shown.map(() => 255)], I: [0, ...shown.map(one => one.value)],
      labels: ['', ...shown.map(one => one.label)]
    });
    this.engine.addVolume(image);
  }

  private look(): void {
    if (this.image) {
      this.engine.setColormap(this.image.id, this.looks.value);
      if (this.looks.value !== 'gray') {
        const { min, max } = this.engine.colormapFromKey(this.looks.value);
        [this.image.cal_min, this.image.cal_max] = [min ?? this.range[0], max ?? this.range[1]];
        this.engine.updateGLVolume();
      }
      this.update();
    }
  }

  /** Access has ended: take the volume out of the picture and out of memory. */
  private refuse(sentence: string | null): void {
    if (sentence !== null && !this.isClosed) {
      this.close();
    }
  }

  private readonly onKey = (event: KeyboardEvent): void => {
    const { renderAzimuth, renderElevation } = this.engine.scene;
    const turns: Record<string, [number, number]> = {
      ArrowLeft: [-TURN_DEGREES, 0], ArrowRight: [TURN_DEGREES, 0],
      ArrowUp: [0, TURN_DEGREES], ArrowDown: [0, -TURN_DEGREES]
    };
    const zoom = { '+': 1.1, '-': 1 / 1.1 }[event.key];
    if (event.key in turns) {
      const [azimuth, elevation] = turns[event.key];
      this.engine.setRenderAzimuthElevation(renderAzimuth + azimuth, renderElevation + elevation);
    } else if (zoom) {
      this.engine.setScale(this.engine.scene.volScaleMultiplier * zoom);
    } else {
      return;
    }
    event.preventDefault();
    event.stopPropagation();
  };
}

function imageOf(bytes: ArrayBuffer, name: string, opacity: number, [low, high]: [number, number]): Promise<NVImage> {
  const gray = 'gray';
  return NVImage.new(
    bytes, `${name}.nii`, gray, opacity, null, low, high, true, 0.02, false, false, '', 0, undefined as never, NaN, NaN,
    false, null, 0, null
  );
}

function rendererOf(context: WebGL2RenderingContext): string {
  const names = context.getExtension('WEBGL_debug_renderer_info');
  return String(context.getParameter(names ? names.UNMASKED_RENDERER_WEBGL : context.RENDERER));
}
