/** The second volume over the first, on the first one's grid: blended, or in the squares of a checkerboard. */
import { penOf } from './pens';
import { hot } from './colour_maps';
import type { Context, Pen } from './context';
import { FONT, MARGIN, text, TEXT_COLOUR } from './overlays';
import { Picture } from './painter';
import type { PlaneView } from './plane_view';
import type { ShownVolume } from './shown_volume';
import type { Slice } from './slices';
import type { Compare } from './types';
import type { Greys } from './windowing';

const BAR = { width: 10, height: 110, top: 36 };
const NARROW_PX = 260;

export class Overlaid {
  private pictures = new WeakMap<PlaneView, Picture>();
  private readonly live = new Set<Picture>();
  /** The cells of a montage share one picture, so that memory does not grow with their number. */
  private readonly shared = new Picture();
  private readonly scratch = document.createElement('canvas');
  private readonly squares = twoByTwo();

  constructor(
    private readonly context: Context,
    private readonly other: ShownVolume
  ) {}

  draw(pen: Pen, slice: Slice | undefined): void {
    const wish = this.context.state.get('compare');
    const greys = this.greys(wish);
    pen.view.canvas.dataset.over = slice ? wish.mode : '';
    if (slice) {
      const picture = this.pictureOf(pen.view).paint(slice, greys);
      if (wish.mode === 'blend') {
        pen.context.save();
        pen.context.globalAlpha = wish.share;
        pen.view.place(pen.context, picture);
        pen.context.restore();
      } else {
        this.drawSquares(pen, picture, wish.square_mm);
      }
    }
    this.drawLegend(pen, wish, greys, slice !== undefined);
  }

  /** Take every pixel out of memory. */
  clear(): void {
    [...this.live, this.shared].forEach(picture => picture.clear());
    this.live.clear();
    this.pictures = new WeakMap();
    this.scratch.width = this.scratch.height = 0;
  }

  private greys(wish: Compare): Greys {
    const greys = this.context.state.greysOf(this.other);
    // Inverted greys over anatomy would be read the wrong way round in colour.
    const inverted = wish.colour === 'grey' && greys.inverted;
    return { ...greys, inverted, tint: { colours: wish.colour, isBlend: wish.mode === 'blend' } };
  }

  private pictureOf(view: PlaneView): Picture {
    if (view.pin) {
      return this.shared;
    }
    let picture = this.pictures.get(view);
    if (!picture) {
      // Planes that are gone take their pixels with them.
      this.live.forEach(one => one.clear());
      this.live.clear();
      this.pictures = new WeakMap();
      this.context.views.forEach(one => this.keep(one));
      picture = this.pictures.get(view) ?? this.keep(view);
    }
    return picture;
  }

  private keep(view: PlaneView): Picture {
    const picture = new Picture();
    this.pictures.set(view, picture);
    this.live.add(picture);
    return picture;
  }

  private drawSquares({ context, view, camera }: Pen, picture: HTMLCanvasElement, squareMm: number): void {
    const { width, height } = view.canvas;
    this.scratch.width = width;
    this.scratch.height = height;
    const scratch = penOf(this.scratch);
    const pattern = scratch?.createPattern(this.squares, 'repeat');
    if (!scratch || !pattern) {
      return;
    }
    const [x, y] = camera.toScreen(-0.5, -0.5);
    scratch.setTransform(context.getTransform());
    view.place(scratch, picture);
    pattern.setTransform(new DOMMatrix().translate(x, y).scale(squareMm * camera.scale));
    scratch.globalCompositeOperation = 'destination-in';
    scratch.imageSmoothingEnabled = false;
    scratch.fillStyle = pattern;
    scratch.fillRect(0, 0, camera.width, camera.height);
    context.drawImage(this.scratch, 0, 0, camera.width, camera.height);
  }

  /** Name what lies on top, how much of it, and what its colours mean. */
  private drawLegend({ context, camera, view }: Pen, wish: Compare, greys: Greys, isThere: boolean): void {
    if (camera.width < NARROW_PX || view.pin) {
      return;
    }
    const below = this.context.state.get('arrangement') === 'side-by-side' ? 18 : 0;
    const right = camera.width - MARGIN;
    const amount = wish.mode === 'blend' ? `${Math.round(wish.share * 100)} %` : `squares ${wish.square_mm} mm`;
    const words = isThere ? amount : 'loading …';
    // Beside the letter at the top there is room for the name only on a large plane.
    const name = camera.isLarge ? `${this.other.facts.title}, ` : '';
    text(context, `${name}${words}`, right, MARGIN + 6 + below, 'right', TEXT_COLOUR, FONT);
    if (wish.colour === 'hot' && camera.isLarge) {
      const { width, height, top } = BAR;
      for (let y = 0; y < height; y++) {
        const colour = hot(Math.round((1 - y / (height - 1)) * 255));
        context.fillStyle = `rgb(${colour & 255} ${(colour >> 8) & 255} ${(colour >> 16) & 255})`;
        context.fillRect(right - width, top + below + y, width, 1.5);
      }
      const { unit } = this.other.facts;
      const low = greys.level - greys.width / 2;
      const high = `${this.other.number(low + greys.width)}${unit === 'arbitrary' ? '' : ` ${unit}`}`;
      text(context, high, right - width - 5, top + below + 5, 'right', TEXT_COLOUR, FONT);
      text(context, this.other.number(low), right - width - 5, top + below + height - 5, 'right', TEXT_COLOUR, FONT);
    }
  }
}

/** Two squares of four, to repeat over a plane. */
function twoByTwo(): HTMLCanvasElement {
  const canvas = document.createElement('canvas');
  canvas.width = canvas.height = 2;
  const context = canvas.getContext('2d');
  context?.fillRect(1, 0, 1, 1);
  context?.fillRect(0, 1, 1, 1);
  return canvas;
}
