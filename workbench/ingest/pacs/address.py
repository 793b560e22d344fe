"""Where an archive is, as a person writes it: `dicomweb:URL` or `dicom:AET@HOST:PORT`.

Runs in: ingest host
Source: DICOM PS3.18 2026c 8 (DICOMweb), PS3.5 2026c 6.2 (AE: 1 to 16 characters).
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from urllib.parse import urlsplit

from workbench.errors import InvalidInput

_NODE = re.compile(r"(?P<aet>[^@\\]{1,16})@(?P<host>\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+):(?P<port>\d{1,5})")
_AET = re.compile(r"[!-\[\]-~](?:[ -\[\]-~]{0,14}[!-\[\]-~])?")
_UID = re.compile(r"[0-2](?:\.(?:0|[1-9]\d*))+")
LONGEST_UID = 64


@dataclass(frozen=True)
class WebAddress:
    """An archive that speaks DICOMweb.

    Parameters
    ----------
    url : str
        The root below which `studies` lies.
    """

    url: str


@dataclass(frozen=True)
class NodeAddress:
    """An archive that speaks DICOM's own protocol.

    Parameters
    ----------
    aet : str
        The archive's application entity title.
    host : str
        Name or address.
    port : int
        TCP port, 1 to 65535.
    """

    aet: str
    host: str
    port: int


def is_address(text: str) -> bool:
    """Whether a source is an archive's address rather than a folder."""
    return text.startswith(("dicomweb:", "dicom:"))


def parse_address(text: str) -> WebAddress | NodeAddress:
    """Read an archive's address.

    >>> parse_address("dicom:PACS@archive.example:104")
    NodeAddress(aet='PACS', host='archive.example', port=104)

    Raises
    ------
    InvalidInput
        When it is neither `dicomweb:URL` nor `dicom:AET@HOST:PORT`, holds a password, or would send patients'
        data over an unencrypted web connection to another machine.
    """
    scheme, _, rest = text.partition(":")
    if scheme == "dicomweb":
        return _web(rest)
    match = _NODE.fullmatch(rest) if scheme == "dicom" else None
    if match is None or not 0 < int(match["port"]) < 65536:
        raise InvalidInput(
            "An archive is written dicomweb:URL or dicom:AET@HOST:PORT, such as dicom:PACS@10.0.0.7:104; "
            "this address is neither."
        )
    return NodeAddress(check_aet(match["aet"]), match["host"].strip("[]"), int(match["port"]))


def check_aet(title: str) -> str:
    """Give an application entity title back when it is one."""
    if not _AET.fullmatch(title):
        raise InvalidInput("An AE title has 1 to 16 printable characters, no backslash and no space at its ends.")
    return title


def check_uid(uid: str) -> str:
    """Give a UID back when it is one."""
    if len(uid) > LONGEST_UID or not _UID.fullmatch(uid):
        raise InvalidInput("A UID is digits joined by dots, at most 64 characters; look at --study and --series.")
    return uid


def _web(url: str) -> WebAddress:
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        parts, port = urlsplit(""), None
    if parts.scheme not in ("http", "https") or not parts.hostname or port == 0 or parts.query or parts.fragment:
        raise InvalidInput("A DICOMweb archive is written dicomweb:https://HOST/PATH; this address is not usable.")
    if parts.username or parts.password:
        raise InvalidInput(
            "The address holds a user or password, which every process of this machine could read; "
            "write them into a file and give it as --credentials."
        )
    if parts.scheme == "http" and not _is_loopback(parts.hostname):
        raise InvalidInput(
            "Patients' images would cross the network unencrypted; give the archive's https: address, "
            "or a tunnel that ends on this machine."
        )
    return WebAddress(url.rstrip("/"))


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
