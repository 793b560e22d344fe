"""A tool de-identifies a folder some times, in a process of its own: `python peers_deidentify.py TOOL SRC OUT N`."""

from __future__ import annotations

import json
import resource
import shutil
import sys
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

Work = Callable[[Path, Path], None]


def main(tool: str, source: Path, out: Path, rounds: int) -> None:
    """Print the CPU seconds of each round and the largest memory as JSON; the last round's output stays."""
    work = TOOLS[tool]()
    spent = []
    for _ in range(rounds):
        shutil.rmtree(out, ignore_errors=True)
        out.mkdir(parents=True)
        before = _cpu_s()
        work(source, out)
        spent.append(_cpu_s() - before)
    print(json.dumps({"cpu_s": spent, "peak_mb": peak_mb()}))


def peak_mb() -> float:
    """Give the largest memory of this process; what getrusage tells began with the parent's."""
    status = Path("/proc/self/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) / 1024


def _cpu_s() -> float:
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


def _pairs(source: Path, out: Path) -> Iterator[tuple[Path, Path]]:
    files = sorted(path for path in source.rglob("*") if path.is_file())
    return ((path, out / f"{number:04d}.dcm") for number, path in enumerate(files))


def _workbench() -> Work:
    from workbench.ingest.deidentify.job import deidentify_folder
    from workbench.settings import load_settings

    def work(source: Path, out: Path) -> None:
        # A home for each round, or the second one would find its files done.
        home = out.with_name(f"{out.name}-home")
        shutil.rmtree(home, ignore_errors=True)
        report = deidentify_folder(source, out, settings=load_settings(home), processes=1)
        assert report.written == report.files, [refusal.code for refusal in report.refusals]

    return work


def _bytes() -> Work:
    def work(source: Path, out: Path) -> None:
        for path, target in _pairs(source, out):
            target.write_bytes(path.read_bytes())

    return work


def _pydicom() -> Work:
    from pydicom import dcmread

    def work(source: Path, out: Path) -> None:
        for path, target in _pairs(source, out):
            dcmread(path).save_as(target)

    return work


def _dicom_anonymizer() -> Work:
    from dicomanonymizer import anonymize_dicom_file

    def work(source: Path, out: Path) -> None:
        for path, target in _pairs(source, out):
            anonymize_dicom_file(str(path), str(target))

    return work


def _dicognito() -> Work:
    from dicognito.anonymizer import Anonymizer
    from pydicom import dcmread

    def work(source: Path, out: Path) -> None:
        anonymizer = Anonymizer(seed="bench")
        for path, target in _pairs(source, out):
            one = dcmread(path)
            anonymizer.anonymize(one)
            one.save_as(target)

    return work


def _deid() -> Work:
    from deid.dicom import replace_identifiers

    def work(source: Path, out: Path) -> None:
        # Its outputs bear their sources' names, which would count as identifiers left.
        for path, target in _pairs(source, out):
            below = out / target.stem
            below.mkdir()
            replace_identifiers([str(path)], save=True, output_folder=str(below), overwrite=True, remove_private=True)
            next(below.iterdir()).rename(target)
            below.rmdir()

    return work


TOOLS: dict[str, Callable[[], Work]] = {
    "ours": _workbench, "bytes": _bytes, "pydicom": _pydicom, "dicom-anonymizer": _dicom_anonymizer,
    "dicognito": _dicognito, "deid": _deid,
}  # fmt: skip


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    main(sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]), int(sys.argv[4]))
