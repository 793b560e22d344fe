"""A packed slice is smaller and comes back bit for bit, by the code that the browser runs too."""

from __future__ import annotations

import re
import shutil
import subprocess
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from workbench.gateway.packing import pack

TRANSPORT = Path(__file__).parents[2] / "extensions" / "ct-viewer" / "src" / "transport.ts"
LIMITS = np.array([[-32768, 32767, -32768], [0, -1, 32767], [1, -32768, 0]], dtype=np.int16)


def slices() -> dict[str, NDArray[Any]]:
    rng = np.random.default_rng(1)
    return {
        "limits": LIMITS, "one": LIMITS[:1, :1], "noise": rng.integers(-32768, 32768, (37, 53)).astype(np.int16),
        "labels": rng.integers(0, 65536, (16, 9)).astype(np.uint16), "constant": np.full((20, 30), -1024, np.int16),
        "cut": np.asfortranarray(rng.integers(-99, 99, (30, 40)).astype(np.int16))[::2, ::3],
    }  # fmt: skip


@pytest.mark.parametrize("name", slices())
def test_the_browsers_code_gives_the_slice_back(name: str, tmp_path: Path) -> None:
    node = shutil.which("node")
    if node is None:
        pytest.skip("node is not installed, which runs the browser's code")
    pixels = slices()[name]
    found = re.search(r"^function unpack\(.*?^}\n", TRANSPORT.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)
    assert found is not None
    # Its types are the only TypeScript in it.
    code = re.sub(r": (ArrayBuffer|number)\b", "", found[0])
    (tmp_path / "packed").write_bytes(zlib.decompress(pack(pixels)))
    rows, columns = pixels.shape
    script = f"{code}\nconst fs = require('fs'); const bytes = new Uint8Array(fs.readFileSync('packed'));\n"
    script += f"fs.writeFileSync('plain', new Uint8Array(unpack(bytes.buffer, {rows}, {columns})));"
    subprocess.run([node, "-e", script], cwd=tmp_path, check=True)
    assert (tmp_path / "plain").read_bytes() == np.ascontiguousarray(pixels).tobytes()


def test_a_smooth_slice_is_less_than_half_as_large() -> None:
    y, x = np.mgrid[:256, :256]
    noise = np.random.default_rng(1).normal(0, 12, (256, 256))
    pixels = (40 * np.sin(x / 20) * np.cos(y / 30) + noise).astype(np.int16)
    assert len(pack(pixels)) < pixels.nbytes / 2
