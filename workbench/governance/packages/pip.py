"""Runs pip: finds the wheels from the configured index outside the sandbox, unpacks them inside one.

No package's code ever runs here: source packages are refused, so there is no build, and wheels are unpacked in a
sandbox that sees nothing but them and the new folder.

Runs in: gateway
Source: pip's installation report (format 1) and hash-checking mode, as its manual describes them.
"""

from __future__ import annotations

import json
import logging
import os
import re
import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from importlib.metadata import distributions
from pathlib import Path
from typing import Any

from workbench.errors import (
    Conflict,
    IntegrityError,
    InvalidInput,
    MissingDependency,
    NotFound,
    RunFailed,
    TooLarge,
    WorkbenchError,
)
from workbench.governance.packages.asking import Wanted, normalised
from workbench.governance.packages.environments import Package
from workbench.governance.sandbox import Limits, bwrap_command, sandbox_environment

RESOLVE_S, FETCH_S, UNPACK_S = 300, 900, 300
MIB = 1024**2
LARGEST_MIB = 6 * 1024
UNPACKING = Limits(memory_bytes=2048 * MIB, processes=64, file_bytes=LARGEST_MIB * MIB, open_files=1024)
# What pip itself is configured by, and what reaches an index through a proxy; nothing else of this process.
KEPT = ("HOME", "PATH", "LANG", "SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "NO_PROXY", "HTTPS_PROXY",
        "HTTP_PROXY", "no_proxy", "https_proxy", "http_proxy", "XDG_CONFIG_HOME", "XDG_CACHE_HOME")  # fmt: skip
QUIET = ("--no-input", "--disable-pip-version-check", "--progress-bar", "off", "--retries", "1", "--timeout", "20")
WHEELS_ONLY = ("--only-binary", ":all:")

log = logging.getLogger("workbench.gateway")


def resolve(wants: Sequence[Wanted], kept: Iterable[Package], job: Path) -> list[Package]:
    """Ask the index which wheels the wanted packages come to, beside what this Python already has.

    Parameters
    ----------
    wants : sequence of Wanted
        Everything that shall be there.
    kept : iterable of Package
        What is installed now; it keeps its version unless it stands in the way.
    job : Path
        A folder for pip's files.

    Raises
    ------
    NotFound, Conflict, RunFailed, MissingDependency
        With one sentence for the person.
    """
    own = {normalised(found.name): found.version for found in distributions() if found.name}
    pins = {package.name: package.version for package in kept} | own
    words = ["install", "--dry-run", "--report", str(job / "report.json"), "--constraint", str(job / "pins.txt")]
    texts = [want.text for want in wants]
    named = {want.name for want in wants if not want.text.endswith(want.name)}
    try:
        # Who names a version means it, so what was installed before gives way to it; what comes with Python never.
        _write_pins(job, {name: version for name, version in pins.items() if name in own or name not in named})
        _pip([*words, *WHEELS_ONLY, *texts], RESOLVE_S)
    except Conflict:
        _write_pins(job, own)
        _pip([*words, *WHEELS_ONLY, *texts], RESOLVE_S)
    report = json.loads((job / "report.json").read_text())
    found = [_package(item, {want.name for want in wants}) for item in report["install"]]
    return sorted(found, key=lambda package: package.name)


def fetch(packages: Sequence[Package], job: Path) -> None:
    """Bring the wheels, each checked against its hash.

    Raises
    ------
    IntegrityError, TooLarge, RunFailed
        When the index gives other bytes than it announced, too many, or none.
    """
    lines = [f"{package.name}=={package.version} --hash=sha256:{package.sha256}\n" for package in packages]
    (job / "lock.txt").write_text("".join(lines))
    wheels = job / "wheels"
    wheels.mkdir()
    words = ["download", "--no-deps", "--require-hashes", "--dest", str(wheels), *WHEELS_ONLY]
    _pip([*words, "--requirement", str(job / "lock.txt")], FETCH_S)
    size = sum(file.stat().st_size for file in wheels.iterdir())
    if size > LARGEST_MIB * MIB:
        raise TooLarge(f"These packages take {size // MIB} MiB, and at most {LARGEST_MIB} are installed at once.")


def unpack(job: Path, folder: Path, hidden: Path) -> None:
    """Install the fetched wheels into a folder, from within a sandbox without a network.

    Raises
    ------
    RunFailed
        When a wheel is damaged.
    InvalidInput
        When one of them would stand before a module of Python or of the workbench.
    SandboxMissing
        When this machine cannot isolate.
    """
    words = [sys.executable, "-I", "-m", "pip", "install", "--no-index", "--find-links", "/wheels", "--no-deps"]
    words += ["--require-hashes", "--no-cache-dir", "--no-warn-conflicts", "--target", "/out", *QUIET, *WHEELS_ONLY]
    command = bwrap_command(
        [*words, "--requirement", "/lock.txt"], binds={"/out": folder}, hidden=(hidden,), devices=False,
        read_only={"/wheels": job / "wheels", "/lock.txt": job / "lock.txt"}, limits=UNPACKING,
    )  # fmt: skip
    _run(command, UNPACK_S, sandbox_environment())
    names = {entry.name.partition(".")[0] for entry in folder.iterdir()}
    if covered := sorted(names & {*sys.stdlib_module_names, "workbench"}):
        raise InvalidInput(
            f"A package brings a module “{covered[0]}” of its own, which would stand before the one that Python or the "
            "workbench needs; nothing was installed."
        )


def _package(item: Mapping[str, Any], asked: set[str]) -> Package:
    metadata = item["metadata"]
    name = normalised(metadata["name"])
    return Package(
        name=name, version=metadata["version"], licence=_licence(metadata), asked=name in asked,
        sha256=item["download_info"]["archive_info"]["hashes"]["sha256"],
    )  # fmt: skip


def _licence(metadata: Mapping[str, Any]) -> str:
    """Give the licence's short name from wherever a package says it."""
    for text in (metadata.get("license_expression"), metadata.get("license")):
        if text and len(text) <= 80 and "\n" not in text:
            return str(text)
    labels = [label for label in metadata.get("classifier", ()) if label.startswith("License ::")]
    return labels[0].rpartition(":: ")[2][:80] if labels else ""


def _write_pins(job: Path, pins: Mapping[str, str]) -> None:
    (job / "pins.txt").write_text("".join(f"{name}=={version}\n" for name, version in sorted(pins.items())))


def _pip(words: Sequence[str], seconds: int) -> None:
    environment = {name: value for name, value in os.environ.items() if name in KEPT or name.startswith("PIP_")}
    _run([sys.executable, "-I", "-m", "pip", words[0], *QUIET, *words[1:]], seconds, environment)


def _run(command: Sequence[str], seconds: int, environment: Mapping[str, str]) -> None:
    try:
        done = subprocess.run(  # noqa: S603 - our own command line, no shell
            command, cwd="/", env=dict(environment), stdin=subprocess.DEVNULL, capture_output=True, text=True,
            errors="replace", timeout=seconds, check=False,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        raise RunFailed(
            f"The installation took longer than {seconds // 60} minutes and was stopped; ask for fewer packages.",
            code="install-timeout",
        ) from None
    if done.returncode != 0:
        log.warning("pip stopped (%s): %s", done.returncode, done.stderr[-4000:])
        raise _explained(done.stderr)


def _explained(text: str) -> WorkbenchError:
    """Give the sentence for what pip complained about; its own words name addresses and folders of the host."""
    if "No module named pip" in text:
        return MissingDependency("pip is not installed beside the workbench; its owner runs `python -m ensurepip`.")
    if "DO NOT MATCH THE HASHES" in text:
        return IntegrityError("The index sent other bytes than it announced; nothing was installed; tell its owner.")
    if "ResolutionImpossible" in text or "conflicting dependencies" in text:
        cause = re.search(r"^ +(\S+ \S+ depends on \S.*)$", text, re.MULTILINE)
        because = f" ({cause[1][:160]})" if cause else ""
        return Conflict(
            f"These packages do not fit beside what is installed here{because}; name other versions, or leave one out.",
            code="package-conflict",
        )
    if re.search(r"Max retries|Retrying|Connection|timed out|name resolution|ProxyError|SSLError", text):
        return RunFailed(
            "The package index does not answer from this machine; ask who runs it to configure one that does "
            "(pip's own setting `index-url`), or put a wheel into the workspace.",
            code="index-unreachable",
        )
    missing = re.search(r"No matching distribution found for ([\w.\[\]=<>!~,-]+)", text)
    if missing:
        return NotFound(
            f"The index has no wheel of “{missing[1]}” that fits this Python; check its name and version. Source "
            "packages are not built here, because building runs their code.",
            code="no-wheel",
        )
    return RunFailed("The installation stopped; the gateway's log says why. Tell who runs it.", code="install-failed")
