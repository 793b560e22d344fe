"""Probes that a researcher might try in a cell of a real governed kernel; each must find nothing.

A probe sets `got` to what it found. It never writes anything to a place that is not its own to write: where a
write would count, opening for writing is all it does.
"""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from workbench.settings import Settings

NAMESPACES = ("cgroup", "ipc", "mnt", "net", "pid", "user", "uts")
HARNESS = """
import ctypes, fnmatch, glob, json, os, socket, subprocess, sys
facts = json.loads({facts!r})
got = None
def read(path):
    with open(path, "rb") as file: return file.read(100_000).decode(errors="replace")
def readable(paths):
    found = []
    for path in paths:
        try: found.append((path, read(path)))
        except OSError: pass
    return found
def writable(path):
    try: os.close(os.open(path, os.O_WRONLY | os.O_APPEND)); return path
    except OSError: return None
def can_create(folder):
    path = os.path.join(folder, "probe-of-a-test")
    try: os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL)); os.unlink(path); return path
    except OSError: return None
def files(*patterns):
    found = []
    for folder, folders, names in os.walk("/"):
        skipped = ("/proc", "/usr", sys.prefix, sys.base_prefix)
        folders[:] = [f for f in folders if os.path.join(folder, f) not in skipped]
        found += [os.path.join(folder, n) for n in names for p in patterns if fnmatch.fnmatch(n, p)]
    return found
libc = ctypes.CDLL(None, use_errno=True)
try:
{probe}
except OSError:
    pass
print("found", got) if got else print("nothing")
"""

PROBES = {
    # network
    "tcp to the host's loopback": "s = socket.create_connection(('127.0.0.1', facts['port']), timeout=2); got = s",
    "tcp over IPv6": "s = socket.create_connection(('::1', facts['port']), timeout=2); got = s",
    "a network device": "got = [name for _, name in socket.if_nameindex() if name != 'lo']",
    "name service": "got = [p for p in ('/etc/resolv.conf', '/etc/hosts', '/etc/nsswitch.conf') if os.path.exists(p)]",
    "the host's own name": "got = socket.gethostname() == facts['hostname'] or socket.gethostbyname(facts['hostname'])",
    "an abstract socket of the host": (
        "s = socket.socket(socket.AF_UNIX); s.connect('\\0' + facts['abstract']); got = s"
    ),
    "a socket file of the host": "s = socket.socket(socket.AF_UNIX); s.connect(facts['socket']); got = s",
    "a raw packet socket": "got = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)",
    # files
    "the home folder": "got = os.listdir(facts['home'])",
    "the vault": "got = os.listdir(facts['home'] + '/vault')",
    "the operator's key": "got = read(facts['home'] + '/keys/operator.key')",
    "the store": "got = read(facts['home'] + '/store.sqlite')",
    "another account's workspace": "got = os.listdir(facts['home'] + '/workspaces/custodian')",
    "any key by name": "got = files('*.key', '*.sqlite-wal', 'store.sqlite')",
    "the folder above the workspace": "got = set(os.listdir('/workspace/..')) - set(os.listdir('/'))",
    "the tests beside the package": "got = os.listdir(facts['tests'])",
    "the owner's own folder": (
        "got = set(os.listdir(facts['owner'])) - set(facts['python'])"
    ),
    "accounts of the machine": "got = [p for p in ('/etc/passwd', '/etc/shadow', '/etc/group') if os.path.exists(p)]",
    "connection files of others": (
        "got = files('kernel-*.json') or files('connection.json')[1:]"
        " or (os.path.exists(facts['runtime']) and os.listdir(facts['runtime']))"
    ),
    "sockets of other kernels": "got = files('ipc-1')[1:] or files('jupyter_cookie_secret')",
    # environment
    "its own environment": "got = [n for n, v in os.environ.items() if facts['secret'] in v or n == 'SERVER_SECRET']",
    "the environment of process 1": "got = facts['secret'] in read('/proc/1/environ')",
    "the environment of any process": (
        "got = [p for p, text in readable(glob.glob('/proc/[0-9]*/environ')) if facts['secret'] in text]"
    ),
    "command lines": (
        "got = [p for p, text in readable(glob.glob('/proc/[0-9]*/cmdline'))"
        " if facts['home'] in text or 'pytest' in text or facts['secret'] in text]"
    ),
    "the memory of process 1": "got = facts['secret'] in read('/proc/1/mem')",
    "the server's output": (
        "got = [t for t in map(os.readlink, [p for p in glob.glob('/proc/self/fd/*') if os.path.lexists(p)])"
        " if t.startswith('/') and not t.startswith(('/dev/', '/tmp/', '/workspace/', '/proc/'))"
        " and '/run/kernels/' not in t]"
    ),
    # processes
    "the process that started it": "got = 'pytest' in read(f\"/proc/{facts['pid']}/cmdline\")",
    "more processes than its own": "got = [p for p in os.listdir('/proc') if p.isdigit() and int(p) > 2]",
    "a signal to the host": "os.kill(facts['pid'], 0); got = True",
    "namespaces of the host": (
        "got = [n for n in facts['namespaces'] if os.readlink(f'/proc/self/ns/{n}') == facts['namespaces'][n]]"
    ),
    "the root of process 1": "got = set(os.listdir('/proc/1/root')) - set(os.listdir('/'))",
    # privileges
    "a nested user namespace": (
        "got = subprocess.run(['unshare', '--user', 'true'], capture_output=True).returncode == 0"
    ),
    "a nested namespace by system call": "got = libc.unshare(0x10000000) == 0",
    "a mount namespace": "got = libc.unshare(0x00020000) == 0",
    "a mount": "got = libc.mount(b'none', b'/tmp', b'tmpfs', 0, None) == 0",
    "an unmount": "got = libc.umount2(b'/tmp', 2) == 0",
    "another root": "os.chroot('/tmp'); got = True",
    "capabilities": (
        "got = [l for l in read('/proc/self/status').splitlines() if l.startswith('Cap') and int(l.split()[1], 16)]"
    ),
    "new privileges": "got = 'NoNewPrivs:\\t1' not in read('/proc/self/status')",
    "another user": "got = [u for u in (0, 1, 33) if u != os.getuid() and (os.setuid(u) or True)]",
    "the terminal": "got = os.open('/dev/tty', os.O_RDWR)",
    # devices and the machine's controls
    "a disk": "got = [p for p in glob.glob('/dev/*') if os.path.isfile(p)] or glob.glob('/dev/[svx]d*')",
    "a device made here": "os.mknod('/tmp/disk', 0o60600, os.makedev(254, 0)); got = open('/tmp/disk', 'rb')",
    "memory of the machine": "got = readable(['/dev/mem', '/dev/kmem', '/dev/kmsg', '/dev/port'])",
    "controls of the machine": (
        "got = [p for p in map(writable, ['/proc/sys/kernel/core_pattern', '/proc/sys/kernel/hostname',"
        " '/proc/sys/vm/drop_caches', '/proc/sysrq-trigger', '/proc/sys/kernel/modprobe',"
        " '/proc/sys/fs/binfmt_misc/register', '/proc/1/oom_score_adj']) if p]"
    ),
    "facts about the machine's memory": (
        "got = [p for p, t in readable(['/proc/kcore', '/proc/kallsyms', '/proc/keys', '/proc/kpageflags',"
        " '/proc/timer_list']) if t]"
    ),
    "the machine's devices in /sys": "got = os.listdir('/sys')",
    # writing
    "writing outside its folders": (
        "got = [p for p in map(can_create, ['/', '/usr', '/usr/bin', '/etc', '/dev', '/proc', '/run', '/run/workbench',"
        " sys.prefix, sys.base_prefix, facts['package'], os.path.dirname(facts['home'])]) if p]"
    ),
    "changing the package": "got = writable(facts['package'] + '/errors.py')",
    "changing the interpreter": "got = writable(os.path.realpath(sys.executable))",
    "replacing the gateway's socket": "os.unlink('/run/workbench/gateway.sock'); got = True",
}  # fmt: skip


@pytest.fixture(scope="module")
def facts(governed_home: Settings, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Tell the probes where everything lies, as a well-informed attacker would know, and listen for them."""
    listener = socket.create_server(("127.0.0.1", 0))
    abstract = socket.socket(socket.AF_UNIX)
    abstract.bind("\0probe-" + str(os.getpid()))
    abstract.listen()
    file = socket.socket(socket.AF_UNIX)
    file.bind(path := str(tmp_path_factory.mktemp("s") / "s"))
    file.listen()
    root = Path(__file__).resolve().parents[2]
    yield json.dumps({
        "port": listener.getsockname()[1], "abstract": f"probe-{os.getpid()}", "socket": path,
        "home": str(governed_home.home), "tests": str(root / "tests"), "package": str(root / "workbench"),
        "owner": str(Path.home()), "python": [".pyenv"], "runtime": os.environ["JUPYTER_RUNTIME_DIR"],
        "secret": os.environ["SERVER_SECRET"], "pid": os.getpid(), "name": Path("/proc/self/comm").read_text().strip(),
        "hostname": socket.gethostname(), "namespaces": {n: os.readlink(f"/proc/self/ns/{n}") for n in NAMESPACES},
    })  # fmt: skip
    for opened in (listener, abstract, file):
        opened.close()


@pytest.mark.parametrize("probe", PROBES)
def test_a_cell_finds_nothing(bubblewrap, notebook, facts, probe):
    body = "\n".join("    " + line for line in PROBES[probe].splitlines())

    said = notebook.run(HARNESS.format(facts=facts, probe=body))

    assert said.splitlines()[-1:] == ["nothing"], said


@pytest.mark.parametrize(
    "probe",
    [
        "the operator's key",
        "the home folder",
        "its own environment",
        "namespaces of the host",
        "the tests beside the package",
    ],
)
def test_the_probes_find_it_without_a_sandbox(facts, probe):
    """Run by this process, the same probe finds what it looks for: otherwise it would prove nothing."""
    said: list[str] = []
    body = "\n".join("    " + line for line in PROBES[probe].splitlines())

    exec(HARNESS.format(facts=facts, probe=body), {"print": lambda *words: said.append(str(words[0]))})  # noqa: S102

    assert said == ["found"]
