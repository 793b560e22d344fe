"""Chest-CT phantoms: the workbench's own data, which belong to nobody, with known nodules.

A phantom is a function of its seed alone. Equal seeds give equal bytes for equal numpy and scipy versions: voxel
arithmetic keeps to operations that every processor rounds alike (see `phantom_canvas`).

Runs in: anywhere
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from workbench.errors import InvalidInput
from workbench.geometry import Geometry
from workbench.imaging.phantom_body import AIR, paint_trunk
from workbench.imaging.phantom_bones import paint_skeleton
from workbench.imaging.phantom_canvas import Canvas
from workbench.imaging.phantom_nodules import Nodule, add_nodules
from workbench.imaging.phantom_patient import Identity, Patient, draw_identity, draw_patient
from workbench.imaging.phantom_scanner import paint_couch, scan
from workbench.imaging.phantom_vessels import paint_great_vessels, paint_lung_vessels

LOWEST_MM, HIGHEST_MM = -158.0, 128.0
NOT_LUNG_HU = -500.0
# A voxel is lung when more than half of it is.
LUNG_FROM = 0.5
RIGHT_LUNG, LEFT_LUNG = 1, 2
SMALLEST_SIZE, LARGEST_SIZE = 96, 512


@dataclass(frozen=True)
class Phantom:
    """A scan, the truth about it, and the invented person it is of.

    Parameters
    ----------
    hu : ndarray, int16, shape (z, y, x), HU
    lungs : ndarray, uint8, shape (z, y, x)
        1 in the right lung, 2 in the left, with the vessels and nodules in them; 0 elsewhere.
    geometry : Geometry
    nodules : tuple of Nodule
    patient : Patient
        The body and the scanner's settings.
    identity : Identity
    seed : int
    """

    hu: NDArray[np.int16] = field(repr=False)
    lungs: NDArray[np.uint8] = field(repr=False)
    geometry: Geometry
    nodules: tuple[Nodule, ...]
    patient: Patient
    identity: Identity
    seed: int


def make_phantom(seed: int, *, size: int = 224) -> Phantom:
    """Make a chest-CT phantom.

    Parameters
    ----------
    seed : int
        0 or more.
    size : int, default 224
        Rows and columns of a slice, 96 to 512.

    Returns
    -------
    Phantom

    Raises
    ------
    InvalidInput
        When seed or size is out of range.

    Examples
    --------
    >>> make_phantom(7, size=96).geometry.shape[1:]
    (96, 96)
    """
    if isinstance(seed, bool) or not isinstance(seed, int) or seed < 0:
        raise InvalidInput(f"A phantom's seed is a whole number from 0 on, not {seed!r}.")
    if isinstance(size, bool) or not isinstance(size, int) or not SMALLEST_SIZE <= size <= LARGEST_SIZE:
        raise InvalidInput(f"A phantom has {SMALLEST_SIZE} to {LARGEST_SIZE} rows and columns, not {size!r}.")
    people, anatomy, noise = (np.random.default_rng((seed, part)) for part in range(3))
    patient = draw_patient(people, pixels=size)
    identity = draw_identity(people, patient)
    canvas = _empty_canvas(patient, size, anatomy)
    lung = paint_trunk(canvas, patient)
    paint_skeleton(canvas, patient)
    paint_great_vessels(canvas, patient)
    lung[canvas.hu > NOT_LUNG_HU] = 0
    lungs = _lungs(lung, canvas)
    trees = paint_lung_vessels(canvas, patient, lung, anatomy)
    nodules = add_nodules(canvas, patient, lung, trees, anatomy)
    paint_couch(canvas, 113 * patient.deep + 0.75 * patient.fat_mm)
    image = np.clip(np.rint(scan(canvas, patient, noise)), -1024, 3071).astype(np.int16)
    geometry = _geometry(canvas, patient, people)
    return Phantom(
        image, lungs, geometry, tuple(_placed(n, canvas, patient, geometry) for n in nodules), patient, identity, seed
    )


def _empty_canvas(patient: Patient, size: int, rng: np.random.Generator) -> Canvas:
    pixel, step = patient.pixel_mm / patient.size, patient.slice_mm / patient.size
    low = LOWEST_MM + float(rng.uniform(0, 12))
    count = int((HIGHEST_MM - float(rng.uniform(0, 8)) - low) / step)
    across = (np.arange(size) - (size - 1) / 2) * pixel
    shift = float(rng.uniform(-4, 4)), 14 + float(rng.uniform(-3, 3))
    return Canvas(
        x=(across + shift[0]).astype(np.float32)[None, None, :],
        y=(across + shift[1]).astype(np.float32)[None, :, None],
        z=(low + np.arange(count) * step).astype(np.float32)[:, None, None],
        step_mm=(step, pixel, pixel),
        hu=np.full((count, size, size), AIR, dtype=np.float32),
    )


def _lungs(lung: NDArray[np.float32], canvas: Canvas) -> NDArray[np.uint8]:
    """Give each lung's number; great vessels that a lung surrounds in a slice are part of it, as readers draw it."""
    result = np.zeros(lung.shape, dtype=np.uint8)
    inside = lung > LUNG_FROM
    for number, side in ((RIGHT_LUNG, canvas.x < 0), (LEFT_LUNG, canvas.x >= 0)):
        for z, section in enumerate(inside & side):
            result[z][ndimage.binary_fill_holes(section)] = number
    return result


def _geometry(canvas: Canvas, patient: Patient, rng: np.random.Generator) -> Geometry:
    """Give the grid in patient mm: the scanner's zero lies anywhere, as in a clinic."""
    half = patient.pixel_mm * (canvas.hu.shape[2] - 1) / 2
    place = rng.uniform((-6, -30, -420), (6, 10, 60))
    origin = (round(float(place[0]) - half, 3), round(float(place[1]) - half, 3), round(float(place[2]), 2))
    z, y, x = canvas.hu.shape
    return Geometry((z, y, x), (patient.slice_mm, patient.pixel_mm, patient.pixel_mm), origin)


def _placed(nodule: Nodule, canvas: Canvas, patient: Patient, geometry: Geometry) -> Nodule:
    first = np.array([canvas.x.flat[0], canvas.y.flat[0], canvas.z.flat[0]], dtype=np.float64)
    position = (np.array(nodule.centre_mm) - first) * patient.size + np.array(geometry.origin_mm)
    x, y, z = (round(float(value), 3) for value in position)
    return dataclasses.replace(nodule, centre_mm=(x, y, z))
