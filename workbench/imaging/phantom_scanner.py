"""What the scanner adds to the anatomy: the couch, the blur of the reconstruction kernel and its correlated noise.

Noise and blur share the kernel: the noise power rises with frequency as a ramp and falls where the kernel rolls off, so
that a sharp kernel gives fine grain and a smooth one blotches. The noise is strongest where X-rays cross most tissue.

Runs in: anywhere
Source: Riederer, Pelc and Chesler, The noise power spectrum in computed X-ray tomography, Phys Med Biol 23 (1978) 446.
"""

from __future__ import annotations

import numpy as np
import scipy.fft

from workbench.imaging.phantom_body import AIR
from workbench.imaging.phantom_canvas import Canvas, Floats, blend, cover, ellipse
from workbench.imaging.phantom_patient import Patient


def paint_couch(canvas: Canvas, back_mm: float) -> None:
    """Paint the couch under the back: a foam mat and a curved shell of carbon fibre."""
    x, y = canvas.x[0], canvas.y[0]
    soft = canvas.step_mm[1]
    shell = ellipse(x, y, (0, back_mm - 175), (238, 207))
    top = ellipse(x, y, (0, back_mm - 290), (400, 300))
    table = np.maximum(shell, -top)
    mat = np.maximum(np.maximum(top - np.float32(2), -(y - np.float32(back_mm - 30))), np.abs(x) - np.float32(205))
    for hu in canvas.hu:
        air = np.clip((np.float32(-900) - hu) / np.float32(80), 0, 1)
        blend(hu, -955, cover(mat, soft) * air * cover(np.abs(x) - np.float32(205), soft))
        blend(hu, -930, cover(table, soft) * air)
        blend(hu, -420, cover(np.abs(table + np.float32(1)) - np.float32(1.2), soft) * air)


def scan(canvas: Canvas, patient: Patient, rng: np.random.Generator) -> Floats:
    """Give the image that the scanner makes of the painted anatomy, float32 HU, shape (Z, Y, X).

    Frequencies are handled per slice; a complex spectrum is scaled through its real view, because complex products
    differ in the last bit between processors.
    """
    shape = canvas.hu.shape
    frequency = np.sqrt(
        scipy.fft.fftfreq(shape[1])[:, None] ** 2 + scipy.fft.rfftfreq(shape[2])[None, :] ** 2
    )  # cycles per pixel, 0.5 at the limit
    sharp = patient.sharpness
    cutoff = 0.30 + 0.22 * sharp
    blur = 1 / (1 + (frequency / cutoff) ** 4)
    blur *= 1 + 0.9 * sharp * (frequency / 0.5) ** 2 * np.clip(1.3 - 2 * frequency, 0, 1)
    power = np.sqrt(frequency + 0.004) * blur
    power *= 1 / np.sqrt((power**2).mean())
    noise = rng.standard_normal(shape, dtype=np.float32)
    noise[1:] = np.float32(0.93) * noise[1:] + np.float32(0.37) * noise[:-1]
    noise = _filtered(noise, power)
    noise *= _noise_map(canvas, patient)
    image = _filtered(canvas.hu, blur)
    image += noise
    reach = float(min(-canvas.x.flat[0], canvas.x.flat[-1]))
    radius2 = canvas.x[0] ** 2 + (canvas.y[0] - canvas.y.mean(dtype=np.float64).astype(np.float32)) ** 2
    image[:, radius2 > np.float32(reach * reach * 1.04)] = AIR - 24
    return image


def _filtered(image: Floats, response: np.ndarray) -> Floats:
    spectrum = scipy.fft.rfft2(image, axes=(1, 2))
    parts = spectrum.view(np.float32).reshape(*spectrum.shape, 2)
    parts *= response.astype(np.float32)[..., None]
    result: Floats = scipy.fft.irfft2(spectrum, s=image.shape[1:], axes=(1, 2), overwrite_x=True)
    return result


def _noise_map(canvas: Canvas, patient: Patient) -> Floats:
    """Give the standard deviation of the noise: more in the middle, at the shoulders and under the diaphragm."""
    level = (canvas.x / np.float32(190)) ** 2 + (canvas.y / np.float32(150)) ** 2
    inside = np.float32(0.45) + np.float32(0.65) / (np.float32(1) + level * level)
    shoulder = np.clip((canvas.z - np.float32(60)) / np.float32(60), 0, 1)
    belly = np.clip((np.float32(-70) - canvas.z) / np.float32(90), 0, 1)
    result: Floats = inside * (np.float32(1) + shoulder * np.float32(0.7) + belly * np.float32(0.25))
    return result * np.float32(patient.noise_hu)
