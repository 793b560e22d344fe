"""The tree: its roots are those of RFC 6962, its proofs hold, and nothing else passes for one."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.governance.record.merkle import (
    EMPTY_ROOT,
    Frontier,
    consistency_path,
    holds_leaf,
    holds_tree,
    inclusion_path,
    leaf_hash,
    node_hash,
)

# The reference vectors of Certificate Transparency (merkle_tree_test), which RFC 6962 implementations share.
INPUTS = ("", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f")
ROOTS = (
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
)
SIZES = st.integers(1, 40)


def leaves_of(count: int) -> list[bytes]:
    return [bytes([number]) for number in range(count)]


def root_of(leaves: list[bytes]) -> bytes:
    """Give the root as RFC 6962 section 2.1 defines it, word by word."""
    if not leaves:
        return EMPTY_ROOT
    if len(leaves) == 1:
        return leaf_hash(leaves[0])
    k = 1
    while 2 * k < len(leaves):
        k *= 2
    return node_hash(root_of(leaves[:k]), root_of(leaves[k:]))


def test_roots_are_those_of_the_reference_vectors() -> None:
    tree, roots = Frontier(), []
    for text in INPUTS:
        tree.add(bytes.fromhex(text))
        roots.append(tree.root().hex())
    assert tuple(roots) == ROOTS


@given(SIZES)
def test_a_growing_tree_has_the_root_of_the_definition(size: int) -> None:
    assert Frontier(leaves_of(size)).root() == root_of(leaves_of(size))


@given(SIZES, st.data())
def test_an_inclusion_proof_holds_for_its_leaf_and_place_alone(size: int, data: st.DataObject) -> None:
    leaves, index = leaves_of(size), data.draw(st.integers(0, size - 1))
    path, root = inclusion_path(leaves, index), root_of(leaves)
    assert holds_leaf(root, size, leaves[index], index, path)
    assert not holds_leaf(root, size, b"other", index, path)
    assert not any(
        holds_leaf(root, size, leaves[index], other, path) for other in range(-1, size + 2) if other != index
    )
    assert not holds_leaf(root, size, leaves[index], index, [*path, root])
    assert not path or not holds_leaf(root, size, leaves[index], index, path[:-1])
    assert not holds_leaf(node_hash(root, root), size, leaves[index], index, path)


@given(SIZES, SIZES)
def test_a_consistency_proof_holds_for_a_log_that_only_grew(one: int, other: int) -> None:
    first, second = sorted((one, other))
    leaves = leaves_of(second)
    path, later = consistency_path(leaves, first), (second, root_of(leaves))
    assert holds_tree((first, root_of(leaves[:first])), later, path)
    changed = [b"changed", *leaves[1:first]]
    assert not holds_tree((first, root_of(changed)), later, path)
    assert not holds_tree((first, root_of(leaves[:first])), (second, root_of(changed + leaves[first:])), path)
    assert not holds_tree((first, root_of(leaves[:first])), later, [*path, root_of(leaves)])


@pytest.mark.parametrize(("size", "index"), [(0, 0), (3, 3), (3, -1)])
def test_there_is_no_proof_of_a_leaf_that_is_not_there(size: int, index: int) -> None:
    with pytest.raises(ValueError, match="no leaf"):
        inclusion_path(leaves_of(size), index)


@pytest.mark.parametrize("first", [0, 4])
def test_there_is_no_proof_that_a_log_shrank_or_came_from_nothing(first: int) -> None:
    with pytest.raises(ValueError, match="does not hold"):
        consistency_path(leaves_of(3), first)
    assert not holds_tree((first, EMPTY_ROOT), (3, root_of(leaves_of(3))), [])
