"""Whatever a submission tries, it ends with the right code and its author's sentence, and reaches nothing."""

from __future__ import annotations

import io
import os
import stat
import warnings
import zipfile
from pathlib import Path

import pytest

from workbench.benchmark.evaluation.failures import FAILURES
from workbench.benchmark.evaluation.rehearsal import rehearsal_parts
from workbench.benchmark.evaluation.running import Budget, runner_of, without_details
from workbench.benchmark.tasks.definition import task_definition
from workbench.errors import SubmissionRefused

pytest.importorskip("onnx")
from hostile_programs import ANSWERS, BOMBS, NETWORK, OUTPUTS, PRYING, STUCK
from small_models import HONEST, folder_of, written

TASK = task_definition("lung-nodule-detection")
LIMITS = TASK.limits.model_copy(
    update={
        "seconds": 120,
        "cpu_seconds": 20,
        "memory_mib": 300,
        "output_mib": 2,
        "output_files": 50,
        "processes": 24,
        "model_mib": 1,
    }
)
SMALL = TASK.model_copy(update={"limits": LIMITS})


def ended(payload: bytes, log: list[str] | None = None, **limits: int) -> SubmissionRefused:
    """Submit a folder, and give how it ended."""
    task = SMALL.model_copy(update={"limits": LIMITS.model_copy(update=limits)})
    told = [] if log is None else log
    with pytest.raises(SubmissionRefused) as stop:
        run = runner_of(task, "folder", payload, Budget(task.limits), told.append)
        run(next(iter(rehearsal_parts(task, "folder"))))
    return stop.value


@pytest.mark.parametrize("program", NETWORK.values(), ids=NETWORK)
def test_every_way_to_a_network_is_noticed(bubblewrap: None, program: str) -> None:
    assert ended(folder_of(program)).code == "NETWORK_ATTEMPT_DETECTED"


def test_talking_to_oneself_is_no_network(bubblewrap: None) -> None:
    own = (
        "import socket\nserver = socket.create_server(('127.0.0.1', 0))\n"
        "socket.create_connection(server.getsockname())\na, b = socket.socketpair(); a.sendmsg([b'x'])\n"
        "six = socket.socket(socket.AF_INET6); six.bind(('::1', 0))\n" + written("[]")
    )
    run = runner_of(SMALL, "folder", folder_of(own), Budget(LIMITS), lambda text: None)

    assert run(next(iter(rehearsal_parts(SMALL, "folder")))).answered == ()


@pytest.mark.parametrize(("program", "code"), BOMBS.values(), ids=BOMBS)
def test_every_bomb_is_put_out(bubblewrap: None, program: str, code: str) -> None:
    refusal = ended(folder_of(program))

    assert (refusal.code, refusal.message) == (code, FAILURES[code])


@pytest.mark.parametrize("program", STUCK.values(), ids=STUCK)
def test_whatever_does_not_end_is_ended(bubblewrap: None, program: str) -> None:
    assert ended(folder_of(program), seconds=1).code == "TIMEOUT"


def test_processor_time_is_counted_over_all_processes(bubblewrap: None) -> None:
    program = "import os\nos.fork(); os.fork()\nwhile True: pass"

    assert ended(folder_of(program), cpu_seconds=1).code == "TIMEOUT"


def test_stopping_the_watch_gains_no_time(bubblewrap: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("workbench.benchmark.evaluation.sealed.GRACE_S", 1.0)
    program = "import os, signal, time; os.kill(os.getppid(), signal.SIGSTOP); time.sleep(600)"

    assert ended(folder_of(program), seconds=1).code == "TIMEOUT"


@pytest.mark.parametrize("target", ["os.getppid()", "-1", "1", "0", "os.getpid()"])
def test_killing_others_helps_nobody(bubblewrap: None, target: str) -> None:
    program = f"import os, signal, time\nos.kill({target}, signal.SIGKILL); time.sleep(1)\nraise SystemExit(3)"

    assert ended(folder_of(program)).code == "NONZERO_EXIT"


@pytest.mark.parametrize("program", OUTPUTS.values(), ids=OUTPUTS)
def test_an_output_that_is_no_plain_file_is_none(bubblewrap: None, program: str) -> None:
    refusal = ended(folder_of(program))

    assert (refusal.code, refusal.message) == ("NO_OUTPUT", FAILURES["NO_OUTPUT"])


@pytest.mark.parametrize("device", ["0o600 | 0o060000, 0x800", "0o600 | 0o020000, 0x101"])
def test_a_device_cannot_be_made(bubblewrap: None, device: str) -> None:
    assert ended(folder_of(f"import os; os.mknod('/output/predictions.json', {device})")).code == "NONZERO_EXIT"


@pytest.mark.parametrize(("text", "code", "sentence"), ANSWERS.values(), ids=ANSWERS)
def test_answers_that_cannot_be_scored_are_refused(bubblewrap: None, text: str, code: str, sentence: str) -> None:
    content = text.encode("utf-8", "surrogateescape")
    refusal = ended(folder_of(f"open('/output/predictions.json', 'wb').write({content!r})"))

    assert refusal.code == code and sentence in refusal.message
    # On hidden scans the sentence would carry out what the program saw.
    assert without_details(refusal).message == FAILURES[code]


@pytest.mark.parametrize("program", ["import no_such_module", "def", "\x00", "from math import no_such_name"])
def test_a_program_that_cannot_start_says_so(bubblewrap: None, program: str) -> None:
    assert ended(folder_of(program)).code == "STARTUP_FAILED"


@pytest.mark.parametrize("program", ["raise SystemExit(3)", "1 / 0", "import os; os.abort()", "import os; os._exit(9)"])
def test_a_program_that_fails_says_so_and_its_words_go_to_the_operator(bubblewrap: None, program: str) -> None:
    log: list[str] = []
    refusal = ended(folder_of("print('a hidden thing', flush=True)\n" + program), log)

    assert refusal.code == "NONZERO_EXIT"
    assert refusal.message == FAILURES["NONZERO_EXIT"] and "a hidden thing" in log[0]


def test_nothing_outside_can_be_read_or_written(bubblewrap: None, tmp_path: Path) -> None:
    secret = tmp_path / "labels.csv"
    secret.write_text("truth")
    paths = [str(secret), "/etc/shadow", "/etc/passwd", "/proc/1/environ", "/proc/1/mem", "/proc/kcore"]
    targets = ["/usr/x", "/etc/x", "/x", "/proc/sys/kernel/x", "/dev/x", str(tmp_path / "x")]
    program = PRYING.format(paths=paths, targets=targets)
    log: list[str] = []
    ended(folder_of(program), log)

    assert "could" not in log[0]
    assert "WORKBENCH" not in log[0]
    assert not (tmp_path / "x").exists()


def test_the_evaluators_own_secrets_are_not_in_its_environment(
    bubblewrap: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WORKBENCH_TOKEN", "the-evaluators-token")
    log: list[str] = []
    ended(folder_of("import os\nprint(dict(os.environ), open('/proc/self/cmdline').read()); raise SystemExit(1)"), log)

    assert "the-evaluators-token" not in log[0]


def zip_with(name: str, mode: int, content: bytes = b"/etc/passwd") -> bytes:
    target = io.BytesIO()
    with warnings.catch_warnings(), zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as box:
        warnings.simplefilter("ignore")
        box.writestr("predict.py", HONEST)
        entry = zipfile.ZipInfo("x")
        entry.filename, entry.external_attr, entry.compress_type = name, mode << 16, zipfile.ZIP_DEFLATED
        box.writestr(entry, content)
    return target.getvalue()


FILE = stat.S_IFREG | 0o644
ZIPS = {
    "a symbolic link": (lambda: zip_with("weights.bin", stat.S_IFLNK | 0o777), "link"),
    "a way up": (lambda: zip_with("../../etc/x", FILE), "“..”"),
    "an absolute path": (lambda: zip_with("/etc/x", FILE), "absolute"),
    "a bomb": (lambda: zip_with("x", FILE, bytes(9 * 2**20)), "MiB"),
    "the program twice": (lambda: zip_with("predict.py", FILE), "twice"),
    "too many files": (lambda: folder_of("", **{f"f{number}": b"" for number in range(2000)}), "entries"),
    "no program": (lambda: zip_with("x", FILE).replace(b"predict.py", b"predyct.py"), "no predict.py"),
    "no zip": (lambda: b"PK\x03\x04 and more", "not a zip"),
    "half a zip": (lambda: folder_of(HONEST)[:-60], "refused"),
}


@pytest.mark.parametrize(("make", "sentence"), ZIPS.values(), ids=ZIPS)
def test_a_zip_that_is_not_harmless_is_never_unpacked(make: object, sentence: str, tmp_path: Path) -> None:
    before = set(os.listdir("/tmp"))  # noqa: S108 - looks whether anything appeared there
    refusal = ended(make())  # type: ignore[operator]

    assert refusal.code == "MODEL_REFUSED" and sentence in refusal.message
    assert not {name for name in set(os.listdir("/tmp")) - before if name.startswith("evaluation")}  # noqa: S108


def test_every_code_has_a_sentence_that_says_what_to_do() -> None:
    for code, sentence in FAILURES.items():
        assert code == code.upper() and sentence.endswith(".") and len(sentence) > 40
