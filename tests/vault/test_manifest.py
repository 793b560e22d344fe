"""Manifests: the version's id is the data's own, the same on every machine."""

from __future__ import annotations

import hashlib
import random
from pathlib import Path

import pytest

from workbench.errors import IntegrityError, InvalidInput, NotFound
from workbench.vault.manifest import Manifest, load_manifest, merkle_root, save_manifest
from workbench.vault.vault import ObjectEntry, Vault

# RFC 6962 gives no vectors of its own; these are the inputs and roots of certificate-transparency-go's tests.
_HEX = "|00|10|2021|3031|40414243|5051525354555657|606162636465666768696a6b6c6d6e6f"
LEAVES = [bytes.fromhex(leaf) for leaf in _HEX.split("|")]
ROOTS = {
    1: "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    2: "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    3: "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    7: "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    8: "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
}


def _entry(path: str, data: bytes, object_id: str = "aa" * 32) -> ObjectEntry:
    return ObjectEntry(path, hashlib.sha256(data).hexdigest(), len(data), object_id, "P0001")


@pytest.mark.parametrize("count", sorted(ROOTS))
def test_the_tree_is_that_of_certificate_transparency(count: int) -> None:
    assert merkle_root(LEAVES[:count]).hex() == ROOTS[count]


def test_the_id_does_not_depend_on_order_keys_or_machine(tmp_path: Path) -> None:
    files = {f"scans/S{n:04}/scan.json": bytes([n]) * n for n in range(7)}
    roots = set()
    for machine in range(2):
        vault = Vault(tmp_path / f"vault{machine}", tmp_path / f"keys{machine}")
        names = random.Random(machine).sample(sorted(files), len(files))  # noqa: S311 - an order
        roots.add(Manifest([vault.put("ct", "P0001", name, files[name]) for name in names]).root)
    assert len(roots) == 1


@pytest.mark.parametrize("other", [_entry("a", b"2"), _entry("b", b"1")])
def test_the_id_changes_with_any_path_or_byte(other: ObjectEntry) -> None:
    assert Manifest([_entry("a", b"1")]).root != Manifest([other]).root
    assert Manifest([_entry("a", b"1")]).root != Manifest([_entry("a", b"1"), _entry("c", b"")]).root


def test_a_manifest_comes_back_from_the_vault(vault: Vault) -> None:
    manifest = Manifest(
        [vault.put("ct", "P0001", "scans/S0001/scan.json", b"{}"), vault.put("ct", "", "card.json", b"{}")]
    )
    found = load_manifest(vault, "ct", save_manifest(vault, "ct", manifest), manifest.root)
    assert found.entries == manifest.entries
    assert [entry.path for entry in found.under("scans/")] == ["scans/S0001/scan.json"]
    with pytest.raises(NotFound):
        found.entry("scans/S0002/scan.json")


def test_an_exchanged_manifest_is_an_error(vault: Vault) -> None:
    one, two = Manifest([vault.put("ct", "", "a", b"1")]), Manifest([vault.put("ct", "", "a", b"2")])
    with pytest.raises(IntegrityError, match="exchanged"):
        load_manifest(vault, "ct", save_manifest(vault, "ct", two), one.root)


def test_a_path_twice_or_outside_is_refused() -> None:
    with pytest.raises(InvalidInput, match="twice"):
        Manifest([_entry("a", b"1"), _entry("a", b"2")])
    with pytest.raises(InvalidInput, match="plain names"):
        Manifest([_entry("../a", b"1")])
