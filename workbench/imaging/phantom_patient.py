"""Who lies in the phantom scanner: body, habitus, scanner settings, and an invented identity.

Runs in: anywhere
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, timedelta

import numpy as np

FAMILY = (
    "Abernathy", "Baptista", "Castellanos", "Dubois", "Eriksson", "Farrugia", "Grabowski", "Haddad", "Ivanova",
    "Jankowski", "Kowalczyk", "Lindqvist", "Mbeki", "Nakamura", "Okonkwo", "Petrescu", "Quintero", "Rasmussen",
    "Szabo", "Tanaka", "Ueland", "Vasquez", "Wickremesinghe", "Yilmaz", "Zielinski",
)  # fmt: skip
FEMALE = ("Adaeze", "Birgit", "Carmen", "Dorothea", "Esperanza", "Fatima", "Giulia", "Hedwig", "Ingrid", "Josefina")
MALE = ("Alasdair", "Bartholomew", "Cornelius", "Dmitri", "Emeka", "Ferdinand", "Gerhard", "Hiroshi", "Ignacio", "Jens")
STREETS = ("Lindenallee", "Harbour Road", "Rue des Tanneurs", "Mill Lane", "Calle Mayor", "Kirkegata", "Orchard Walk")
TOWNS = ("Oberwald", "Port Ellis", "Saint-Aubrac", "Millbridge", "Villanueva", "Nordvik", "Eastcombe")


@dataclass(frozen=True)
class Identity:
    """An invented person; no field belongs to anybody."""

    name: str = field(repr=False)
    patient_id: str = field(repr=False)
    birth_date: str = field(repr=False)
    study_date: str = field(repr=False)
    study_time: str = field(repr=False)
    address: str = field(repr=False)
    telephone: str = field(repr=False)
    accession: str = field(repr=False)
    referring: str = field(repr=False)
    reading: str = field(repr=False)
    operator: str = field(repr=False)
    mother: str = field(repr=False)
    sex: str
    age: int


@dataclass(frozen=True)
class Patient:
    """The body that is painted and the scanner that is simulated.

    Parameters
    ----------
    size, wide, deep : float
        Scale of the whole body, and of the chest across and front to back, about 1.
    fat_mm : float
        Subcutaneous fat at the side of the chest.
    blood_hu : float
        45 without contrast medium, up to 230 with.
    density : float
        Factor on bone HU; falls with age.
    noise_hu : float
        Standard deviation of the noise in the middle of the chest.
    sharpness : float
        0 for a smooth reconstruction kernel to 1 for a sharp one.
    pixel_mm, slice_mm : float
        Spacing of the series.
    """

    sex: str
    age: int
    size: float
    wide: float
    deep: float
    fat_mm: float
    blood_hu: float
    density: float
    noise_hu: float
    sharpness: float
    pixel_mm: float
    slice_mm: float


def draw_patient(rng: np.random.Generator, *, pixels: int) -> Patient:
    """Draw a patient of a screening clinic and the settings of the scan."""
    sex = "F" if rng.random() < 0.5 else "M"
    age = int(rng.integers(50, 76))
    size = float(rng.uniform(0.95, 1.07)) * (0.95 if sex == "F" else 1.0)
    wide = float(rng.uniform(0.95, 1.06))
    fat_mm = float(rng.gamma(5.0, 2.4)) + 5
    enhanced = rng.random() < 0.4
    field_mm = 2 * size * (150 * wide + min(fat_mm, 26)) + float(rng.uniform(16, 36))
    return Patient(
        sex=sex, age=age, size=size, wide=wide,
        deep=float(rng.uniform(0.93, 1.08)),
        fat_mm=min(fat_mm, 30.0),
        blood_hu=float(rng.uniform(130, 230)) if enhanced else float(rng.uniform(36, 48)),
        density=float(rng.uniform(0.85, 1.15)) * (1.25 - 0.005 * (age - 50)),
        noise_hu=float(rng.uniform(11, 24)),
        sharpness=float(rng.uniform(0.15, 0.9)),
        pixel_mm=round(field_mm / pixels, 4),
        slice_mm=float(rng.choice((1.8, 2.0, 2.5, 3.0), p=(0.2, 0.3, 0.3, 0.2))),
    )  # fmt: skip


def draw_identity(rng: np.random.Generator, patient: Patient) -> Identity:
    """Invent the person's papers."""

    def person(names: tuple[str, ...], title: str = "") -> str:
        return f"{rng.choice(FAMILY)}^{rng.choice(names)}^^{title}".rstrip("^")

    year = int(rng.integers(2012, 2024))
    month, day = int(rng.integers(1, 13)), int(rng.integers(1, 29))
    study = date(year, month, day)
    born = study - timedelta(days=int(365.25 * patient.age) + int(rng.integers(2, 360)))
    return Identity(
        name=person(FEMALE if patient.sex == "F" else MALE),
        patient_id=f"MRN-{int(rng.integers(10**6, 10**7))}",
        birth_date=f"{born:%Y%m%d}",
        study_date=f"{study:%Y%m%d}",
        study_time=f"{int(rng.integers(8, 18)):02d}{int(rng.integers(60)):02d}{int(rng.integers(60)):02d}",
        address=f"{int(rng.integers(1, 99))} {rng.choice(STREETS)}, {rng.choice(TOWNS)}",
        telephone=f"+00 555 {int(rng.integers(1000, 10000))} {int(rng.integers(100, 1000))}",
        accession=f"ACC{int(rng.integers(10**7, 10**8))}",
        referring=person(FEMALE + MALE, "Dr"),
        reading=person(FEMALE + MALE, "Dr"),
        operator=person(FEMALE + MALE),
        mother=str(rng.choice(FAMILY)),
        sex=patient.sex,
        age=patient.age,
    )
