/** The same plane of two volumes beside each other, at the same patient position, in the same scale. */
import type { Context, Layout, OpenLayout } from './context';
import { make } from './elements';
import type { PlaneView } from './plane_view';
import { PLANE_NAMES } from './planes';
import type { ShownVolume } from './shown_volume';
import type { PlaneName } from './types';

// A shift that no eye sees is not drawn again.
const LEAST_PX = 0.01;

export function sideBySide(context: Context, other: ShownVolume): Layout {
  return { id: 'side-by-side', label: 'Side by side', open: host => new SideBySide(context, other, host) };
}

class SideBySide implements OpenLayout {
  views: PlaneView[] = [];
  private pairs: Pair[] = [];
  private plane: string | null = null;

  constructor(
    private readonly context: Context,
    private readonly other: ShownVolume,
    private readonly host: HTMLElement
  ) {
    this.update();
  }

  update(): void {
    const { plane } = this.context.state.get('compare');
    if (plane !== this.plane) {
      this.plane = plane;
      this.build(plane === 'all' ? PLANE_NAMES : [plane]);
    }
  }

  draw(): void {
    this.pairs.forEach(pair => pair.follow());
  }

  close(): void {
    this.views.forEach(view => view.close());
  }

  private build(names: readonly PlaneName[]): void {
    this.close();
    this.pairs = names.map(name => {
      const view = this.context.makePlane(name);
      return new Pair(view, this.context.makePlane(samePlane(view, this.other), 1));
    });
    this.views = this.pairs.flatMap(pair => [pair.first, pair.second]);
    this.views.forEach(view => view.cell.append(make('div', { class: 'ctv-cell-name' }, view.volume.facts.title)));
    this.host.dataset.layout = names.length > 1 ? 'pairs' : 'columns';
    this.host.replaceChildren(...this.views.map(view => view.cell));
    this.views.forEach(view => view.resize());
  }
}

/** The plane of the other volume that cuts the patient the same way, however its voxels are stored. */
export function samePlane({ volume, plane }: PlaneView, other: ShownVolume): PlaneName {
  const through = volume.grid.closest[plane.normal];
  const same = other.planes.find(one => other.grid.closest[one.normal] === through);
  return same?.name ?? plane.name;
}

/** Two planes that zoom and pan as one: the one that was moved last leads. */
class Pair {
  private isSecondLeading = false;
  private stamps = ['', ''];

  constructor(
    readonly first: PlaneView,
    readonly second: PlaneView
  ) {}

  follow(): void {
    const now = [stampOf(this.first), stampOf(this.second)];
    if (now[0] !== this.stamps[0]) {
      this.isSecondLeading = false;
    } else if (now[1] !== this.stamps[1]) {
      this.isSecondLeading = true;
    }
    const [leader, follower] = this.isSecondLeading ? [this.second, this.first] : [this.first, this.second];
    if (align(leader, follower)) {
      follower.draw();
    }
    this.stamps = [stampOf(this.first), stampOf(this.second)];
  }
}

function stampOf({ camera }: PlaneView): string {
  return [camera.zoom, camera.panX, camera.panY, camera.width, camera.height].join();
}

/** Put the patient position at the middle of one plane into the middle of the other, in the same scale. */
function align(leader: PlaneView, follower: PlaneView): boolean {
  const { camera: from } = leader;
  const { camera: to, plane } = follower;
  const before = [to.zoom, to.panX, to.panY];
  const { position } = leader.pointAt(from.width / 2, from.height / 2);
  const index = follower.volume.grid.toIndex(position);
  to.zoom *= from.scale / to.scale;
  const [sx, sy] = to.steps();
  to.panX = -(index[plane.column] + 0.5 - to.columns / 2) * sx;
  to.panY = -(index[plane.row] + 0.5 - to.rows / 2) * sy;
  const after = [to.zoom * 100, to.panX, to.panY];
  return after.some((value, i) => Math.abs(value - (i === 0 ? before[0] * 100 : before[i])) > LEAST_PX);
}
