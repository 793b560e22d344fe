"""A Merkle tree over a log: its root, the proof that one event is in it, and that a later tree holds an earlier one.

A leaf is the SHA-256 of one event. Whoever holds a signed root can check a single event with about twenty hashes,
without seeing any other event.

Runs in: anywhere
Source: RFC 6962 section 2.1 (hashes and proofs), RFC 9162 sections 2.1.3.2 and 2.1.4.2 (checking them).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence

HASH_BYTES = 32
EMPTY_ROOT = hashlib.sha256().digest()


def leaf_hash(data: bytes) -> bytes:
    """Give the hash of a leaf; its first byte keeps a leaf from passing for a node.

    >>> leaf_hash(b"").hex()[:16]
    '6e340b9cffb37a98'
    """
    return hashlib.sha256(b"\x00" + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Give the hash of two subtrees."""
    return hashlib.sha256(b"\x01" + left + right).digest()


class Frontier:
    """The roots of the full subtrees of a growing tree: all that is needed to add leaves and to tell its root.

    >>> tree = Frontier()
    >>> tree.add(b"first")
    >>> tree.size
    1
    """

    def __init__(self, leaves: Iterable[bytes] = ()) -> None:
        self.size = 0
        self._peaks: list[bytes] = []
        for leaf in leaves:
            self.add(leaf)

    def add(self, data: bytes) -> None:
        """Add one leaf."""
        digest, size = leaf_hash(data), self.size
        # Each one-bit at the end of the old size is a full subtree that the new leaf completes to a larger one.
        while size & 1:
            digest = node_hash(self._peaks.pop(), digest)
            size >>= 1
        self._peaks.append(digest)
        self.size += 1

    def root(self) -> bytes:
        """Give the root of the tree as it stands."""
        if not self._peaks:
            return EMPTY_ROOT
        root = self._peaks[-1]
        for peak in reversed(self._peaks[:-1]):
            root = node_hash(peak, root)
        return root


def inclusion_path(leaves: Sequence[bytes], index: int) -> list[bytes]:
    """Give the hashes that lead from leaf `index`, counted from 0, to the root of the tree over `leaves`.

    Raises
    ------
    ValueError
        When there is no such leaf.
    """
    if not 0 <= index < len(leaves):
        raise ValueError(f"There is no leaf {index} in a tree of {len(leaves)}.")
    path: list[bytes] = []
    first, last = 0, len(leaves)
    while last - first > 1:
        middle = first + _split(last - first)
        if index < middle:
            path.append(Frontier(leaves[middle:last]).root())
            last = middle
        else:
            path.append(Frontier(leaves[first:middle]).root())
            first = middle
    return path[::-1]


def consistency_path(leaves: Sequence[bytes], first: int) -> list[bytes]:
    """Give the hashes that show that the tree over `leaves` begins with the tree over its `first` leaves.

    Raises
    ------
    ValueError
        When the earlier tree is empty or larger than the later one.
    """
    if not 0 < first <= len(leaves):
        raise ValueError(f"A tree of {len(leaves)} leaves does not hold an earlier one of {first}.")
    path: list[bytes] = []
    start, end, is_known = 0, len(leaves), True
    while first - start != end - start:
        middle = start + _split(end - start)
        if first <= middle:
            path.append(Frontier(leaves[middle:end]).root())
            end = middle
        else:
            path.append(Frontier(leaves[start:middle]).root())
            start, is_known = middle, False
    if not is_known:
        path.append(Frontier(leaves[start:end]).root())
    return path[::-1]


def holds_leaf(root: bytes, size: int, data: bytes, index: int, path: Sequence[bytes]) -> bool:
    """Whether a path leads from leaf `index` with this content to the root of a tree of `size` leaves."""
    if not 0 <= index < size:
        return False
    node, last, digest = index, size - 1, leaf_hash(data)
    for sibling in path:
        if last == 0 or len(sibling) != HASH_BYTES:
            return False
        if node & 1 or node == last:
            digest = node_hash(sibling, digest)
            while not node & 1 and node:
                node, last = node >> 1, last >> 1
        else:
            digest = node_hash(digest, sibling)
        node, last = node >> 1, last >> 1
    return last == 0 and digest == root


def holds_tree(first: tuple[int, bytes], second: tuple[int, bytes], path: Sequence[bytes]) -> bool:
    """Whether a path shows that the tree (size, root) `second` begins with the tree `first`."""
    (size, root), (later_size, later_root) = first, second
    if not 0 < size <= later_size or any(len(step) != HASH_BYTES for step in path):
        return False
    if size == later_size:
        return root == later_root and not path
    steps = list(path) if size & (size - 1) else [root, *path]
    if not steps:
        return False
    node, last = size - 1, later_size - 1
    while node & 1:
        node, last = node >> 1, last >> 1
    old = new = steps[0]
    for step in steps[1:]:
        if last == 0:
            return False
        if node & 1 or node == last:
            old, new = node_hash(step, old), node_hash(step, new)
            while not node & 1 and node:
                node, last = node >> 1, last >> 1
        else:
            new = node_hash(new, step)
        node, last = node >> 1, last >> 1
    return last == 0 and old == root and new == later_root


def _split(size: int) -> int:
    """Give the largest power of two below a size: where RFC 6962 divides a tree."""
    return int(1 << (size - 1).bit_length() - 1)
