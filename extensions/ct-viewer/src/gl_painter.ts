/**
 * Stored numbers to pixels on a graphics card: WebGL 2, one context for the whole page, the same bytes as the table.
 * Only used where a real graphics card draws; a WebGL made of software (SwiftShader, llvmpipe) gains nothing over the
 * table on canvas 2D (measured: 123 to 212 ms of CPU against 110 to 156 for a slice of 512 × 512).
 */
import { useCard } from './painter';
import { isHardware } from './pens';
import type { Slice } from './slices';
import type { GreyTable } from './windowing';

const SIDE = 256;
const VERTICES = `#version 300 es
void main() {
  // One triangle that covers everything.
  gl_Position = vec4(vec2(gl_VertexID & 1, gl_VertexID >> 1) * 4.0 - 1.0, 0.0, 1.0);
}`;
const PIXELS = `#version 300 es
precision highp float;
precision highp int;
precision highp isampler2D;
uniform isampler2D stored;
uniform highp sampler2D table;
uniform int rows;
uniform int below;
out vec4 pixel;
void main() {
  ivec2 at = ivec2(gl_FragCoord.xy);
  int number = texelFetch(stored, ivec2(at.x, rows - 1 - (at.y - below)), 0).r + 32768;
  pixel = texelFetch(table, ivec2(number & 255, number >> 8), 0);
}`;

/** What a page wants: "webgl" or "canvas" forces one, as measurements and tests do; else what is faster. */
function wished(): string {
  return document.documentElement.dataset.ctvPainter ?? '';
}

class CardPainter {
  private readonly rows: WebGLUniformLocation | null;
  private readonly below: WebGLUniformLocation | null;
  private readonly limit: number;
  private table: { of: GreyTable; stamp: string } | null = null;

  constructor(
    private readonly canvas: HTMLCanvasElement,
    private readonly gl: WebGL2RenderingContext,
    program: WebGLProgram
  ) {
    this.limit = gl.getParameter(gl.MAX_TEXTURE_SIZE) as number;
    gl.useProgram(program);
    gl.uniform1i(gl.getUniformLocation(program, 'stored'), 0);
    gl.uniform1i(gl.getUniformLocation(program, 'table'), 1);
    this.rows = gl.getUniformLocation(program, 'rows');
    this.below = gl.getUniformLocation(program, 'below');
    [0, 1].forEach(unit => bindTexture(gl, unit));
    // Rows of 16-bit numbers need not be a multiple of four bytes long.
    gl.pixelStorei(gl.UNPACK_ALIGNMENT, 1);
    gl.disable(gl.DITHER);
  }

  /** Paint a slice; gives false for what this cannot paint, which the table then does. */
  paint(context: CanvasRenderingContext2D, slice: Slice, table: GreyTable): boolean {
    const { gl, canvas } = this;
    const { rows, columns, values } = slice;
    // See-through colours are rounded differently on their way to the canvas.
    if (!table.isOpaque || !(values instanceof Int16Array) || Math.max(rows, columns) > this.limit || gl.isContextLost()) {
      return false;
    }
    if (canvas.width < columns || canvas.height < rows) {
      canvas.width = Math.max(canvas.width, columns);
      canvas.height = Math.max(canvas.height, rows);
    }
    const below = canvas.height - rows;
    gl.viewport(0, below, columns, rows);
    gl.uniform1i(this.rows, rows);
    gl.uniform1i(this.below, below);
    gl.activeTexture(gl.TEXTURE0);
    gl.texImage2D(gl.TEXTURE_2D, 0, gl.R16I, columns, rows, 0, gl.RED_INTEGER, gl.SHORT, values);
    this.load(table);
    gl.drawArrays(gl.TRIANGLES, 0, 3);
    if (gl.isContextLost() || gl.getError() !== gl.NO_ERROR) {
      return false;
    }
    context.globalCompositeOperation = 'copy';
    context.drawImage(canvas, 0, 0, columns, rows, 0, 0, columns, rows);
    context.globalCompositeOperation = 'source-over';
    return true;
  }

  private load(table: GreyTable): void {
    if (this.table?.of === table && this.table.stamp === table.stamp) {
      return;
    }
    const { gl } = this;
    gl.activeTexture(gl.TEXTURE1);
    const bytes = new Uint8Array(table.pixels.buffer);
    gl.texImage2D(gl.TEXTURE_2D, 0, gl.RGBA8, SIDE, SIDE, 0, gl.RGBA, gl.UNSIGNED_BYTE, bytes);
    this.table = { of: table, stamp: table.stamp };
  }
}

function bindTexture(gl: WebGL2RenderingContext, unit: number): void {
  gl.activeTexture(gl.TEXTURE0 + unit);
  gl.bindTexture(gl.TEXTURE_2D, gl.createTexture());
  for (const name of [gl.TEXTURE_MIN_FILTER, gl.TEXTURE_MAG_FILTER]) {
    gl.texParameteri(gl.TEXTURE_2D, name, gl.NEAREST);
  }
}

/** Open the page's context and compile; null where there is no WebGL 2, or only one made of software. */
function open(mayBeSoftware: boolean): CardPainter | null {
  const canvas = document.createElement('canvas');
  const gl = canvas.getContext('webgl2', {
    alpha: false, antialias: false, depth: false, powerPreference: 'low-power', preserveDrawingBuffer: false,
    failIfMajorPerformanceCaveat: !mayBeSoftware
  });
  if (!gl) {
    return null;
  }
  const program = mayBeSoftware || isHardware(gl) ? link(gl) : null;
  if (!program) {
    gl.getExtension('WEBGL_lose_context')?.loseContext();
    return null;
  }
  canvas.addEventListener('webglcontextlost', () => {
    opened = null;
    useCard(null);
  });
  return new CardPainter(canvas, gl, program);
}

function link(gl: WebGL2RenderingContext): WebGLProgram | null {
  const program = gl.createProgram();
  for (const [kind, source] of [[gl.VERTEX_SHADER, VERTICES], [gl.FRAGMENT_SHADER, PIXELS]] as const) {
    const shader = gl.createShader(kind);
    if (!shader) {
      return null;
    }
    gl.shaderSource(shader, source);
    gl.compileShader(shader);
    gl.attachShader(program, shader);
  }
  gl.linkProgram(program);
  return gl.getProgramParameter(program, gl.LINK_STATUS) ? program : null;
}

/** The page's painter; undefined while nobody has looked whether there is one. */
let opened: CardPainter | null | undefined;

/** Let the graphics card paint from now on, where there is one. */
export function offerCard(): void {
  useCard((context, slice, table) => {
    const wish = wished();
    if (wish === 'canvas') {
      return false;
    }
    if (opened === undefined || (opened === null && wish === 'webgl')) {
      opened = open(wish === 'webgl');
    }
    return opened?.paint(context, slice, table) ?? false;
  });
}
