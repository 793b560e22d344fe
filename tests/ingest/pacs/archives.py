"""A real Orthanc in a network of its own: it listens on every address, whatever its configuration says."""

from __future__ import annotations

import ctypes
import json
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from pydicom.dataset import FileDataset

PLUGIN = Path("/usr/share/orthanc/plugins/libOrthancDicomWeb.so")
NEW_NETWORK = 0x40000000  # CLONE_NEWNET, sched.h
# Brings the loopback of a new network up (SIOCSIFFLAGS, IFF_UP | IFF_RUNNING), then becomes the archive.
START = (
    "import fcntl, os, socket, struct, sys\n"
    "line = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)\n"
    "fcntl.ioctl(line, 0x8914, struct.pack('16sh', b'lo', 0x41)); line.close()\n"
    "os.execvp('Orthanc', ['Orthanc', sys.argv[1]])"
)
HTTP, DICOM, OWN, MOVE_PORT = 8042, 4242, "WORKBENCH", 11113


@dataclass(frozen=True)
class Orthanc:
    """An archive that runs in its own network."""

    process: subprocess.Popen[bytes]
    web: str = f"dicomweb:http://127.0.0.1:{HTTP}/dicom-web"
    node: str = f"dicom:ORTHANC@127.0.0.1:{DICOM}"

    @contextmanager
    def network(self) -> Iterator[None]:
        """Put this thread, and what it starts, into the archive's network for a while."""
        with open("/proc/thread-self/ns/net") as home, open(f"/proc/{self.process.pid}/ns/net") as away:
            _enter(away.fileno())
            try:
                yield
            finally:
                _enter(home.fileno())


def _enter(network: int) -> None:
    if ctypes.CDLL(None, use_errno=True).setns(network, NEW_NETWORK):
        raise OSError(ctypes.get_errno(), "setns")


@pytest.fixture(scope="session")
def orthanc(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Orthanc]:
    if shutil.which("Orthanc") is None or not PLUGIN.exists():
        pytest.skip("Orthanc with its DICOMweb plugin is not installed (Debian: orthanc, orthanc-dicomweb)")
    if os.geteuid() or subprocess.run(["unshare", "-n", "true"], capture_output=True).returncode:
        pytest.skip("this machine lets nobody make a network of its own, and Orthanc listens on every address")
    folder = tmp_path_factory.mktemp("orthanc")
    settings: dict[str, Any] = {
        "Name": "tests", "StorageDirectory": str(folder / "store"), "IndexDirectory": str(folder / "store"),
        "Plugins": [str(PLUGIN)], "HttpPort": HTTP, "DicomPort": DICOM, "DicomAet": "ORTHANC",
        "AuthenticationEnabled": False, "DicomAlwaysAllowGet": True, "DicomAlwaysAllowFind": True,
        "DicomAlwaysAllowMove": True, "DicomModalities": {"workbench": [OWN, "127.0.0.1", MOVE_PORT]},
        "DicomWeb": {"Enable": True}, "OverwriteInstances": True,
    }  # fmt: skip
    (folder / "orthanc.json").write_text(json.dumps(settings))
    with (folder / "log").open("wb") as log:
        command = ["unshare", "-n", sys.executable, "-c", START, str(folder / "orthanc.json")]
        process = subprocess.Popen(command, stdout=log, stderr=log)
    running = Orthanc(process)
    try:
        _wait_until_it_answers(running)
        yield running
    finally:
        process.terminate()
        process.wait(20)


def _wait_until_it_answers(running: Orthanc) -> None:
    end = time.monotonic() + 60
    while time.monotonic() < end and running.process.poll() is None:
        try:
            with running.network(), socket.create_connection(("127.0.0.1", HTTP), 1):
                with socket.create_connection(("127.0.0.1", DICOM), 1):
                    return
        except OSError:
            time.sleep(0.1)
    raise RuntimeError("Orthanc did not start")


Given = Callable[..., tuple[str, list[Path]]]


@pytest.fixture
def given_study(orthanc: Orthanc, draw_series: Callable[..., Any]) -> Given:
    """Give a function that puts a drawn study into the archive: its UID and its files."""

    def give(name: str, *, count: int = 4) -> tuple[str, list[Path]]:
        from pynetdicom import AE

        number = int.from_bytes(name.encode()[:6], "big")
        study = f"1.2.826.0.1.3680043.8.498.8.{number}"

        def own_uids(one: FileDataset, index: int) -> None:
            one.StudyInstanceUID, one.SeriesInstanceUID = study, f"{study}.1"
            one.SOPInstanceUID = one.file_meta.MediaStorageSOPInstanceUID = f"{study}.1.{index + 1}"

        drawn = draw_series(name, count=count, change=own_uids)
        with orthanc.network():
            entity = AE("SCANNER")
            entity.add_requested_context("1.2.840.10008.5.1.4.1.1.2", "1.2.840.10008.1.2.1")
            line = entity.associate("127.0.0.1", DICOM, ae_title="ORTHANC")
            assert all(line.send_c_store(path).Status == 0 for path in drawn.files)
            line.release()
        return study, drawn.files

    return give
