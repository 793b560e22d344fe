"""An archive that speaks DICOM's own protocol: C-FIND, C-GET or C-MOVE, and C-STORE to send.

Runs in: ingest host
Source: DICOM PS3.4 2026c annexes B (Storage) and C (Query/Retrieve), PS3.7 2026c (DIMSE).
"""

from __future__ import annotations

import logging
import ssl
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydicom import uid as uids
from pydicom.dataset import Dataset

from workbench.errors import GatewayUnavailable, IngestRefused, InvalidInput, MissingDependency
from workbench.ingest.pacs.address import NodeAddress
from workbench.ingest.pacs.archive import Keep

if TYPE_CHECKING:
    from pynetdicom.association import Association

PLAIN = [uids.ExplicitVRLittleEndian, uids.ImplicitVRLittleEndian, uids.ExplicitVRBigEndian]
COMPRESSED = [
    uids.JPEGLosslessSV1, uids.JPEGLossless, uids.JPEGLSLossless, uids.JPEG2000Lossless, uids.RLELossless,
    uids.JPEGLSNearLossless, uids.JPEG2000, uids.JPEGBaseline8Bit, uids.JPEGExtended12Bit,
    uids.DeflatedExplicitVRLittleEndian,
]  # fmt: skip
# Asked for where the archive does not tell the classes of a series.
USUAL = (
    uids.CTImageStorage, uids.MRImageStorage, uids.PositronEmissionTomographyImageStorage, uids.SegmentationStorage,
    uids.RTStructureSetStorage, uids.EnhancedCTImageStorage, uids.EnhancedMRImageStorage,
)  # fmt: skip
# One context for the plain syntaxes and one for each compressed: the answerer picks a single syntax per context.
MOST_CLASSES = 11
PENDING = (0xFF00, 0xFF01)
TIMEOUT_S = 60.0


def load_pynetdicom() -> Any:
    """Import pynetdicom, silenced: it would log the values of what it sends.

    Raises
    ------
    MissingDependency
        When it is not installed.
    """
    try:
        import pynetdicom  # noqa: PLC0415 - heavy, loaded on first use
    except ImportError:
        raise MissingDependency(
            "DICOM's network protocol needs the package pynetdicom; `pip install 'ai4h-workbench[ingest]'` brings it."
        ) from None
    logging.getLogger("pynetdicom").setLevel(logging.CRITICAL + 1)
    return pynetdicom


class NodeArchive:
    """An archive at `AET@HOST:PORT`.

    Parameters
    ----------
    address : NodeAddress
        Where it is.
    own_aet : str
        How this host calls itself; many archives answer only titles that they know.
    move_port : int, optional
        Fetch by C-MOVE to this port, where the archive must know `own_aet`, instead of C-GET.
    trusted : Path, optional
        Certificates (PEM) of who may be at the other end; the connection is then encrypted.
    """

    def __init__(
        self, address: NodeAddress, *, own_aet: str, move_port: int | None = None, trusted: Path | None = None
    ) -> None:
        self._pynetdicom = load_pynetdicom()
        self._address, self._own_aet, self._move_port = address, own_aet, move_port
        self._tls = _tls(trusted)

    def series(self, study: str) -> list[str]:
        """Give the UIDs of a study's series."""
        asked = _query("SERIES", study)
        asked.SeriesInstanceUID = ""
        return [str(one.SeriesInstanceUID) for one in self._find(asked) if one.get("SeriesInstanceUID")]

    def instances(self, study: str, series: str) -> dict[str, str]:
        """Give the instances of a series and, where the archive tells, their SOP classes."""
        asked = _query("IMAGE", study, series)
        asked.SOPInstanceUID = asked.SOPClassUID = ""
        found = self._find(asked)
        known = (one for one in found if one.get("SOPInstanceUID"))
        return {str(one.SOPInstanceUID): str(one.get("SOPClassUID") or "") for one in known}

    def fetch(self, study: str, series: str, wanted: dict[str, str], keep: Keep) -> None:
        """Fetch a series by C-GET, or by C-MOVE where a port for it was given."""
        asked = _query("SERIES", study, series)
        if self._move_port is not None:
            self._move(asked, keep)
        else:
            self._get(asked, sorted({uid for uid in wanted.values() if uid}), keep)

    def send(self, instances: Sequence[Path]) -> Iterator[tuple[Path, bool]]:
        """Send files by C-STORE, as they are; tells for each whether the archive took it."""
        for start in range(0, len(instances), 500):
            batch = instances[start : start + 500]
            contexts = _contexts(self._pynetdicom, {_kind(path) for path in batch})
            with self._association(contexts) as line:
                for path in batch:
                    try:
                        answer = line.send_c_store(path)
                    except (ValueError, RuntimeError):  # no context for it was accepted, or the line broke
                        answer = Dataset()
                    yield path, answer.get("Status") in (0x0000, 0xB000, 0xB006, 0xB007)

    def _find(self, asked: Dataset) -> list[Dataset]:
        from pynetdicom.sop_class import (  # noqa: PLC0415 - heavy
            StudyRootQueryRetrieveInformationModelFind as Find,
        )

        with self._association([self._pynetdicom.build_context(Find)]) as line:
            return list(_replies(line.send_c_find(asked, Find)))

    def _get(self, asked: Dataset, classes: list[str], keep: Keep) -> None:
        from pynetdicom.sop_class import (  # noqa: PLC0415 - heavy
            StudyRootQueryRetrieveInformationModelGet as Get,
        )

        kinds = {(uid, syntax) for uid in (classes or USUAL)[:MOST_CLASSES] for syntax in ("", *COMPRESSED)}
        contexts = [self._pynetdicom.build_context(Get), *_contexts(self._pynetdicom, kinds)]
        roles = [
            self._pynetdicom.build_role(uid, scp_role=True) for uid in sorted({c.abstract_syntax for c in contexts[1:]})
        ]
        handlers = [(self._pynetdicom.evt.EVT_C_STORE, keep_instance, [keep])]
        with self._association(contexts, ext_neg=roles, evt_handlers=handlers) as line:
            list(_replies(line.send_c_get(asked, Get)))

    def _move(self, asked: Dataset, keep: Keep) -> None:
        from pynetdicom.sop_class import (  # noqa: PLC0415 - heavy
            StudyRootQueryRetrieveInformationModelMove as Move,
        )

        listener = storage_entity(self._pynetdicom, self._own_aet, [self._address.aet])
        handlers = [(self._pynetdicom.evt.EVT_C_STORE, keep_instance, [keep])]
        try:
            server = listener.start_server(("", self._move_port), block=False, evt_handlers=handlers)
        except OSError:
            raise InvalidInput(f"Port {self._move_port} is taken; give another as --move-port.") from None
        try:
            with self._association([self._pynetdicom.build_context(Move)]) as line:
                list(_replies(line.send_c_move(asked, self._own_aet, Move)))
        finally:
            server.shutdown()

    @contextmanager
    def _association(self, contexts: list[Any], **more: Any) -> Iterator[Association]:
        entity = self._pynetdicom.AE(self._own_aet)
        entity.connection_timeout = entity.acse_timeout = entity.dimse_timeout = entity.network_timeout = TIMEOUT_S
        address = self._address
        line = entity.associate(
            address.host, address.port, contexts, ae_title=address.aet, tls_args=self._tls, **more
        )  # fmt: skip
        if not line.is_established:
            line.abort()
            raise GatewayUnavailable(
                f"The archive does not take our call ({'it refused' if line.is_rejected else 'no answer'}); check "
                f"host, port and both AE titles: the archive must know “{self._own_aet}” (--aet)."
            )
        try:
            yield line
        finally:
            line.release() if line.is_established else line.abort()


def storage_entity(pynetdicom: Any, own_aet: str, callers: Sequence[str]) -> Any:
    """Give an application entity that takes every storage class in every syntax, from these callers (all when none)."""
    entity = pynetdicom.AE(own_aet)
    for context in pynetdicom.AllStoragePresentationContexts:
        entity.add_supported_context(context.abstract_syntax, pynetdicom.ALL_TRANSFER_SYNTAXES)
    entity.add_supported_context("1.2.840.10008.1.1")  # Verification, so that an administrator can try the line
    entity.require_called_aet, entity.require_calling_aet = True, list(callers)
    entity.maximum_associations = 16
    entity.network_timeout = entity.dimse_timeout = entity.acse_timeout = TIMEOUT_S
    return entity


def keep_instance(event: Any, keep: Keep) -> int:
    """Answer a C-STORE: keep the instance byte for byte, and only then say that it was taken."""
    uid = str(event.request.AffectedSOPInstanceUID or "")
    if not uid or not uids.UID(uid).is_valid:
        return 0xC000  # cannot understand
    try:
        keep(uid, event.encoded_dataset())
    except OSError:
        return 0xA700  # out of resources; the sender will try again
    return 0x0000


def _query(level: str, study: str, series: str | None = None) -> Dataset:
    asked = Dataset()
    asked.QueryRetrieveLevel, asked.StudyInstanceUID = level, study
    if series is not None:
        asked.SeriesInstanceUID = series
    return asked


def _replies(answers: Any) -> Iterator[Dataset]:
    """Give the pending answers, and refuse a search that did not end well; missing images are noticed by counting."""
    for status, found in answers:
        code = status.get("Status")
        if code in PENDING and found is not None:
            yield found
        elif code is None:
            raise GatewayUnavailable("The archive's answer broke off; give the same command again: what came is kept.")
        elif code in (0xA801, 0xA900, 0x0122) or 0xC000 <= code <= 0xCFFF:
            raise IngestRefused(
                f"The archive refused with status {code:04X}H; it may not know our AE title as a destination, or may "
                "not offer this service: try without --move-port, or with it.",
                code="archive-refused",
            )


def _contexts(pynetdicom: Any, kinds: set[tuple[str, str]]) -> list[Any]:
    """Give presentation contexts for pairs of SOP class and transfer syntax; the empty syntax means the plain ones."""
    return [
        pynetdicom.build_context(uid, [syntax] if syntax and syntax not in PLAIN else PLAIN)
        for uid, syntax in sorted({(uid, "" if syntax in PLAIN else syntax) for uid, syntax in kinds})
    ]


def _kind(path: Path) -> tuple[str, str]:
    from pydicom.filereader import read_file_meta_info  # noqa: PLC0415 - beside its only use

    meta = read_file_meta_info(path)
    return str(meta.MediaStorageSOPClassUID), str(meta.TransferSyntaxUID)


def _tls(trusted: Path | None) -> tuple[ssl.SSLContext, str] | None:
    if trusted is None:
        return None
    try:
        context = ssl.create_default_context(cafile=str(trusted))
    except (OSError, ssl.SSLError):
        raise InvalidInput(f"“{trusted.name}” holds no certificates in PEM form; --tls takes such a file.") from None
    context.check_hostname = False  # an AE is known by its certificate; DICOM PS3.15 B.9 names no host check
    return context, ""
