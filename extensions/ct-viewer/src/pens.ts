/**
 * The pen of a canvas: its pixels lie with the processor where no graphics card draws. A card made of software
 * (SwiftShader, llvmpipe) takes about three times as long for the same picture.
 */

const SOFTWARE = /swiftshader|llvmpipe|softpipe|software|basic render|virtualbox/i;
let hasCard: boolean | undefined;

/** Give the 2D context of a canvas; the options count at the first call for it. */
export function penOf(
  canvas: HTMLCanvasElement, options: CanvasRenderingContext2DSettings = {}
): CanvasRenderingContext2D | null {
  hasCard ??= findCard();
  return canvas.getContext('2d', { ...options, willReadFrequently: !hasCard });
}

/** Whether a WebGL context draws on a graphics card, not in software. */
export function isHardware(gl: WebGL2RenderingContext): boolean {
  const names = gl.getExtension('WEBGL_debug_renderer_info');
  const renderer = String(gl.getParameter(names ? names.UNMASKED_RENDERER_WEBGL : gl.RENDERER));
  return !SOFTWARE.test(renderer);
}

function findCard(): boolean {
  const gl = document.createElement('canvas').getContext('webgl2', { failIfMajorPerformanceCaveat: true });
  const found = gl !== null && isHardware(gl);
  // A page has few contexts; this one has done its work.
  gl?.getExtension('WEBGL_lose_context')?.loseContext();
  return found;
}
