"""Take in what scanners and archives send: a C-STORE service that keeps each instance as it came.

Runs in: ingest host
Source: DICOM PS3.4 2026c annex B (Storage), PS3.7 2026c 9.1.1 (C-STORE).
"""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from workbench.errors import InvalidInput
from workbench.ingest.pacs.archive import DRAFT, write_file
from workbench.ingest.pacs.node import keep_instance, load_pynetdicom, storage_entity


@dataclass
class Arrivals:
    """What has come in so far; counted by many associations at once.

    Parameters
    ----------
    folder : Path
        Where each instance lies, in a file whose name tells nothing.
    """

    folder: Path
    received: int = 0
    again: int = 0
    last: float = field(default_factory=time.monotonic)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def keep(self, uid: str, content: bytes) -> None:
        """Keep an instance; one that was sent twice unchanged lies there once, a changed one beside the first."""
        name = hashlib.sha256(uid.encode() + b"\0" + hashlib.sha256(content).digest()).hexdigest()[:40]
        target = self.folder / f"{name}.dcm"
        is_known = target.exists()
        if not is_known:
            write_file(target, content)
        with self.lock:
            self.received += not is_known
            self.again += is_known
            self.last = time.monotonic()

    def silence_s(self) -> float:
        """Give for how long nothing has come, seconds."""
        with self.lock:
            return time.monotonic() - self.last


@contextmanager
def receiving(
    folder: Path, *, own_aet: str, host: str, port: int, callers: Sequence[str] = ()
) -> Iterator[tuple[Arrivals, int]]:
    """Listen for C-STORE (and C-ECHO) until the block ends; at most 16 associations at a time.

    Parameters
    ----------
    folder : Path
        Where instances are kept; made with mode 0700.
    own_aet : str
        The title that callers must call.
    host : str
        The address to listen at.
    port : int
        0 takes a free one.
    callers : sequence of str
        The titles that may call; everybody when empty.

    Yields
    ------
    Arrivals, int
        What comes, and the port.

    Raises
    ------
    InvalidInput
        When the address cannot be listened at.
    """
    pynetdicom = load_pynetdicom()
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    for draft in folder.glob(f"*{DRAFT}"):
        draft.unlink()
    arrivals = Arrivals(folder)
    entity = storage_entity(pynetdicom, own_aet, callers)
    handlers = [
        (pynetdicom.evt.EVT_C_STORE, keep_instance, [arrivals.keep]),
        (pynetdicom.evt.EVT_C_ECHO, lambda event: 0x0000),
    ]
    try:
        server = entity.start_server((host, port), block=False, evt_handlers=handlers)
    except OSError:
        raise InvalidInput(f"Port {port} of {host} cannot be listened at; give another as --port or --host.") from None
    try:
        yield arrivals, int(server.server_address[1])
    finally:
        server.shutdown()
        entity.shutdown()


def wait_for_silence(arrivals: Arrivals, idle_s: float, tell: Callable[[int], None]) -> None:
    """Wait until something came and then nothing for a while."""
    while not (arrivals.received and arrivals.silence_s() >= idle_s):
        tell(arrivals.received)
        time.sleep(min(0.2, idle_s))
