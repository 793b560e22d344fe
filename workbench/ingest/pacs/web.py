"""An archive that speaks DICOMweb: look for series (QIDO-RS), fetch them (WADO-RS), send instances (STOW-RS).

Runs in: ingest host
Source: DICOM PS3.18 2026c 10.4 (Retrieve), 10.5 (Store), 10.6 (Search).
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import Any

from pydicom import dcmread

from workbench.errors import AccessDenied, GatewayUnavailable, InvalidInput, MissingDependency, NotFound
from workbench.ingest.pacs.address import WebAddress
from workbench.ingest.pacs.archive import Keep
from workbench.ingest.silence import silent_pydicom

# As the source holds them: a lossy picture is not decoded and a lossless one not inflated on the way.
AS_STORED = (("application/dicom", "*"),)
TIMEOUT_S = (10.0, 300.0)
# They write addresses with UIDs in them.
LOGGERS = ("dicomweb_client", "retrying", "urllib3")
SERIES_UID, SOP_UID, SOP_CLASS = "0020000E", "00080018", "00080016"


class WebArchive:
    """An archive behind a DICOMweb address.

    Parameters
    ----------
    address : WebAddress
        Where it is.
    credentials : Path, optional
        A file that holds `user:password` or `Bearer TOKEN`.
    """

    def __init__(self, address: WebAddress, credentials: Path | None = None) -> None:
        try:
            import requests  # noqa: PLC0415 - heavy, loaded on first use
            from dicomweb_client import DICOMwebClient  # noqa: PLC0415 - heavy, loaded on first use
        except ImportError:
            raise MissingDependency(
                "DICOMweb needs the package dicomweb-client; `pip install 'ai4h-workbench[ingest]'` brings it."
            ) from None
        self._problems = requests.exceptions
        session = requests.Session()
        session.headers.update(_authorization(credentials))
        self._client = DICOMwebClient(address.url, session=session, permissive_uid=True, timeout=TIMEOUT_S)
        self._client.set_http_retry_params(retry=False)
        for name in LOGGERS:
            logging.getLogger(name).setLevel(logging.CRITICAL + 1)

    def series(self, study: str) -> list[str]:
        """Give the UIDs of a study's series; none when the archive does not know the study."""
        with self._asking():
            found = self._client.search_for_series(study, fields=[SERIES_UID], get_remaining=True)
        return [uid for uid in (_value(one, SERIES_UID) for one in found or []) if uid]

    def instances(self, study: str, series: str) -> dict[str, str]:
        """Give the instances of a series and their SOP classes."""
        with self._asking():
            found = self._client.search_for_instances(study, series, fields=[SOP_UID, SOP_CLASS], get_remaining=True)
        return {_value(one, SOP_UID): _value(one, SOP_CLASS) for one in found or [] if _value(one, SOP_UID)}

    def fetch(self, study: str, series: str, wanted: dict[str, str], keep: Keep) -> None:
        """Fetch a series, in the encoding that the archive stores."""
        with self._asking(), silent_pydicom():
            for instance in self._client.iter_series(study, series, media_types=AS_STORED):
                content = BytesIO()
                instance.save_as(content)
                keep(str(instance.file_meta.MediaStorageSOPInstanceUID), content.getvalue())

    def send(self, files: Sequence[Path]) -> Iterator[tuple[Path, bool]]:
        """Store instances one by one; tells for each whether the archive took it."""
        for path in files:
            with self._asking(), silent_pydicom():
                answer = self._client.store_instances([dcmread(path)])
            yield path, bool(answer.get("ReferencedSOPSequence")) and not answer.get("FailedSOPSequence")

    @contextmanager
    def _asking(self) -> Iterator[None]:
        """Turn what goes wrong on the way into a sentence; the library's own texts hold addresses with UIDs."""
        try:
            yield
        except self._problems.HTTPError as problem:
            raise _refused(problem.response.status_code if problem.response is not None else 0) from None
        except (self._problems.RequestException, OSError):
            raise GatewayUnavailable(
                "The archive did not answer, or the connection broke; check its address, then give the same command "
                "again: what came is kept."
            ) from None
        except (ValueError, KeyError, AttributeError, EOFError):
            raise InvalidInput(
                "The archive answered with something that is not DICOMweb; check the path of its address."
            ) from None


def _refused(status: int) -> Exception:
    if status in (401, 403):
        return AccessDenied(
            f"The archive refused with status {status}; give a file with user:password or a Bearer token "
            "as --credentials."
        )
    if status == 404:
        return NotFound("The archive knows nothing at that address; check its path and the UIDs.")
    return GatewayUnavailable(f"The archive failed with status {status}; ask its administrator, then try again.")


def _authorization(file: Path | None) -> dict[str, str]:
    if file is None:
        return {}
    from requests.auth import _basic_auth_str  # noqa: PLC0415 - heavy, loaded on first use

    try:
        text = file.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError):
        raise InvalidInput(f"The file of credentials “{file.name}” cannot be read; check its name.") from None
    if text.lower().startswith("bearer ") and "\n" not in text:
        return {"Authorization": text}
    user, colon, password = text.partition(":")
    if not colon or "\n" in text:
        raise InvalidInput("The file of credentials must hold one line: user:password, or Bearer TOKEN.")
    return {"Authorization": str(_basic_auth_str(user.encode(), password.encode()))}


def _value(found: dict[str, Any], tag: str) -> str:
    values = found.get(tag, {}).get("Value") or [""]
    return str(values[0])
