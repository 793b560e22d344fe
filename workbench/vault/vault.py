"""Encrypted, content-addressed objects: any range of any of them, decrypted in blocks, or an error.

An object's id is a keyed hash of its subject and content, so equal bytes of a subject are stored once and an id
tells a stranger nothing. Each object has its own key, so the block number can be the nonce: one key never encrypts
two different texts. Object id, block number and total size are authenticated with every block, so blocks cannot be
changed, swapped, moved between objects or cut off.

Runs in: gateway
Source: NIST SP 800-38D (AES-256-GCM).
"""

from __future__ import annotations

import hashlib
import hmac
import io
import os
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from workbench.errors import IntegrityError, InvalidInput
from workbench.vault.files import DRAFT_SUFFIX, make_folder, write_whole
from workbench.vault.keys import SHARED, KeyRing, object_key
from workbench.vault.names import check_dataset, check_object, check_path, check_subject

BLOCK_BYTES = 64 * 1024
TAG_BYTES = 16
STORED_BYTES = BLOCK_BYTES + TAG_BYTES
# What is read and decrypted at a time: 1 MiB, the piece in which the gateway sends, wherever it begins.
BATCH_BLOCKS = 17
MAGIC = b"AI4HWBV1"


@dataclass(frozen=True)
class ObjectEntry:
    """One object of a dataset version.

    Parameters
    ----------
    path : str
        Its name within the version, such as ``scans/S0001/scan.json``.
    sha256 : str
        Of the plain bytes, 64 hexadecimal digits.
    size : int
        Of the plain bytes.
    object : str
        Its id in the vault.
    subject : str
        Whose key opens it; empty for what belongs to the dataset as a whole.
    """

    path: str
    sha256: str
    size: int
    object: str
    subject: str = ""

    def as_dict(self) -> dict[str, Any]:
        """Give the entry as plain JSON values."""
        return asdict(self)


class Vault:
    """The encrypted objects of one home.

    Parameters
    ----------
    folder : Path
        Where the encrypted objects lie.
    keys_folder : Path
        Where the keys lie.
    """

    def __init__(self, folder: Path, keys_folder: Path) -> None:
        self._folder = folder
        self._root = str(folder)
        self._keys = KeyRing(keys_folder)
        self._scratch = threading.local()
        make_folder(folder)

    def put(self, dataset: str, subject: str, path: str, data: bytes) -> ObjectEntry:
        """Store bytes and give their entry; equal bytes of a subject are written once.

        Raises
        ------
        InvalidInput
            When a name could leave its folder.
        Conflict
            When the subject was withdrawn.
        """
        check_path(path)
        key = self._keys.subject_key(dataset, _owner(subject), create=True)
        digest = hashlib.sha256(data)
        name = hmac.digest(key, b"object id " + digest.digest(), "sha256").hex()
        file = Path(self._file(dataset, name))
        if not (file.exists() and file.stat().st_size == _stored_size(len(data))):
            write_whole(file, _encrypted(object_key(key, name), name, data))
        return ObjectEntry(path, digest.hexdigest(), len(data), name, subject)

    def read(self, dataset: str, entry: ObjectEntry, start: int = 0, stop: int | None = None) -> bytes:
        """Give the bytes from `start` up to `stop` (the end when left out).

        Raises
        ------
        InvalidInput
            When the range does not lie within the object.
        IntegrityError
            When the stored bytes are not what was written.
        NotFound
            When the subject's key was destroyed.
        """
        wanted = (entry.size if stop is None else stop) - start
        gathered = io.BytesIO()
        for piece in self._pieces(dataset, entry, start, stop):
            if len(piece) == wanted:
                return bytes(piece)
            gathered.write(piece)
        return gathered.getvalue()

    def stream(self, dataset: str, entry: ObjectEntry, start: int = 0, stop: int | None = None) -> Iterator[bytes]:
        """Give the same bytes in pieces of about 1 MiB; quicker than `read` for what is large.

        An error may come after pieces that were good. Raises as `read` does, at the first piece.
        """
        for piece in self._pieces(dataset, entry, start, stop):
            yield bytes(piece)

    def read_into(self, dataset: str, entry: ObjectEntry, start: int, buffer: bytearray | memoryview) -> None:
        """Fill a buffer with the bytes from `start` on; only authenticated bytes ever reach it. Raises as `read`."""
        view, filled = memoryview(buffer), 0
        for piece in self._pieces(dataset, entry, start, start + len(view)):
            view[filled : filled + len(piece)] = piece
            filled += len(piece)

    def read_blocks(self, dataset: str, entry: ObjectEntry, numbers: Sequence[int], buffer: memoryview) -> int:
        """Fill a buffer with whole blocks side by side, in the order of their numbers; give how many bytes.

        Only authenticated bytes reach the buffer: a block is decrypted in memory of this thread's own and copied.

        Parameters
        ----------
        dataset : str
            The object's dataset.
        entry : ObjectEntry
            The object.
        numbers : sequence of int
            Block numbers from 0, each larger than the one before it.
        buffer : memoryview
            Room for `len(numbers)` blocks of `BLOCK_BYTES`.

        Raises
        ------
        InvalidInput
            When a number is no block of the object, or the numbers do not ascend, or the room is too small.
        IntegrityError, NotFound
            As `read` does.
        """
        last = _blocks(entry.size) - 1
        if not 0 < len(numbers) <= len(buffer) // BLOCK_BYTES or not 0 <= numbers[0] <= numbers[-1] <= last:
            raise InvalidInput(f"Blocks run from 0 to {last}; ask for those, and for what has room.")
        cipher = object_key(self._keys.subject_key(dataset, _owner(entry.subject)), entry.object)
        descriptor, filled = self._opened(dataset, entry), 0
        try:
            for run in _runs(numbers):
                plain = self._batch(descriptor, cipher, entry, run)
                buffer[filled : filled + len(plain)] = plain
                filled += len(plain)
        finally:
            os.close(descriptor)
        return filled

    def destroy_subject(self, dataset: str, subject: str) -> None:
        """Make a subject's bytes unreadable in every version, for ever."""
        self._keys.destroy(dataset, subject)

    def rotate(self, dataset: str | None = None) -> int:
        """Wrap the keys of a dataset, or of the whole vault, with a new key; give how many were wrapped anew."""
        return self._keys.rotate_master() if dataset is None else self._keys.rotate_dataset(dataset)

    def key_ages(self) -> list[dict[str, Any]]:
        """Give `key, made, wraps` of each wrapping key: never a key itself."""
        return self._keys.ages()

    def objects(self) -> Iterator[tuple[str, str]]:
        """Give (dataset, object id) of everything that is stored."""
        for file in self._folder.glob("*/??/*"):
            if file.suffix != DRAFT_SUFFIX:
                yield file.parts[-3], file.name

    def sweep(self, known: Iterable[str]) -> int:
        """Remove objects whose id nobody knows, and unfinished drafts; give how many. Nothing may be writing."""
        kept, removed = set(known), 0
        for file in self._folder.glob("*/??/*"):
            if file.name not in kept:
                file.unlink()
                removed += 1
        return removed

    def _file(self, dataset: str, name: str) -> str:
        # A plain string: this is asked for every range, and pathlib would cost as much as the decryption.
        return f"{self._root}/{check_dataset(dataset)}/{check_object(name)[:2]}/{name}"

    def _pieces(self, dataset: str, entry: ObjectEntry, start: int, stop: int | None) -> Iterator[memoryview]:
        """Give a range in order, each piece valid until the next is asked for.

        Pieces are decrypted in memory that this thread uses again and again: here fresh memory costs more than
        AES does, and a piece that fails its authentication is never seen by anybody.
        """
        stop = entry.size if stop is None else stop
        if not 0 <= start <= stop <= entry.size:
            raise InvalidInput(f"Bytes {start} to {stop} do not lie within an object of {entry.size} bytes.")
        cipher = object_key(self._keys.subject_key(dataset, _owner(entry.subject)), entry.object)
        first, end = start // BLOCK_BYTES, max(start, stop - 1) // BLOCK_BYTES + 1
        descriptor = self._opened(dataset, entry)
        try:
            for number in range(first, min(end, _blocks(entry.size)), BATCH_BLOCKS):
                plain = self._batch(descriptor, cipher, entry, range(number, min(number + BATCH_BLOCKS, end)))
                offset = number * BLOCK_BYTES
                yield plain[max(0, start - offset) : stop - offset]
        finally:
            os.close(descriptor)

    def _opened(self, dataset: str, entry: ObjectEntry) -> int:
        """Give a descriptor of a stored object that has the right size and mark."""
        try:
            descriptor = os.open(self._file(dataset, entry.object), os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError:
            raise IntegrityError(
                f"{entry.path} is missing from the vault; put the vault back from its backup."
            ) from None
        if os.fstat(descriptor).st_size != _stored_size(entry.size) or os.pread(descriptor, len(MAGIC), 0) != MAGIC:
            os.close(descriptor)
            raise _changed(entry.path)
        return descriptor

    def _batch(self, descriptor: int, cipher: AESGCM, entry: ObjectEntry, numbers: range) -> memoryview:
        """Decrypt neighbouring blocks in this thread's scratch."""
        if not hasattr(self._scratch, "plain"):
            self._scratch.stored = memoryview(bytearray(BATCH_BLOCKS * STORED_BYTES))
            self._scratch.plain = memoryview(bytearray(BATCH_BLOCKS * BLOCK_BYTES))
        begin = len(MAGIC) + numbers.start * STORED_BYTES
        wanted = min(len(numbers) * STORED_BYTES, _stored_size(entry.size) - begin)
        stored: memoryview = self._scratch.stored[:wanted]
        plain: memoryview = self._scratch.plain
        if os.preadv(descriptor, [stored], begin) != wanted:
            raise _changed(entry.path)
        bind = _binding(entry.object, entry.size)
        done = 0
        try:
            for position, number in enumerate(numbers):
                block = stored[position * STORED_BYTES : (position + 1) * STORED_BYTES]
                room = plain[done : done + len(block) - TAG_BYTES]
                done += cipher.decrypt_into(_nonce(number), block, bind(number), room)
        except (InvalidTag, ValueError):
            raise _changed(entry.path) from None
        return plain[:done]


def _runs(numbers: Sequence[int]) -> Iterator[range]:
    """Join ascending numbers into runs that are read and decrypted at once."""
    start = last = numbers[0]
    for number in numbers[1:]:
        if number <= last:
            raise InvalidInput("Block numbers must ascend, each once.")
        if number != last + 1 or number - start == BATCH_BLOCKS:
            yield range(start, last + 1)
            start = number
        last = number
    yield range(start, last + 1)


def _encrypted(cipher: AESGCM, name: str, data: bytes) -> Iterator[bytes]:
    """Give the stored form of an object, piece by piece; an empty object has one empty block."""
    yield MAGIC
    view = memoryview(data)
    bind = _binding(name, len(data))
    for number in range(_blocks(len(data))):
        block = view[number * BLOCK_BYTES : (number + 1) * BLOCK_BYTES]
        yield cipher.encrypt(_nonce(number), block, bind(number))


def _binding(name: str, size: int) -> Callable[[int], bytes]:
    """Give what is authenticated with each block besides its bytes: object id, total size, block number."""
    prefix = bytes.fromhex(name) + size.to_bytes(8, "big")
    return lambda number: prefix + number.to_bytes(8, "big")


def _nonce(number: int) -> bytes:
    return number.to_bytes(12, "big")


def _blocks(size: int) -> int:
    return max(1, -(-size // BLOCK_BYTES))


def _stored_size(size: int) -> int:
    return len(MAGIC) + size + _blocks(size) * TAG_BYTES


def _owner(subject: str) -> str:
    return check_subject(subject) if subject else SHARED


def _changed(path: str) -> IntegrityError:
    return IntegrityError(f"{path} is not what was written to the vault; put the vault back from its backup.")
