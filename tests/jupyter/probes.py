"""What a researcher might try in a cell of a governed kernel: the attempt, and what it shows that it finds nothing.

A probe sets `got` to what it found. It never writes anything to a place that is not its own to write (where a write
would count, opening for writing is all it does), and aims at no address but what the test opened on the loopback.
"""

from __future__ import annotations

from dataclasses import dataclass

HARNESS = """
import base64, ctypes, fnmatch, glob, http.client, json, mmap, os, resource, socket, subprocess, sys
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
def lab(method, path, body=None):
    line = http.client.HTTPConnection("127.0.0.1", facts["lab"], timeout=60)
    line.request(method, path, body, {{"Authorization": "token " + facts["lab_token"]}})
    return line.getresponse().read()
def gateway(method, path, body=None, token=None):
    from workbench.connection import connect_from_environment
    from workbench.errors import WorkbenchError
    line = connect_from_environment()
    line.token = token or line.token
    try: return line.request(method, path, body=json.dumps(body).encode() if body is not None else None)
    except WorkbenchError as refused: return None
libc = ctypes.CDLL(None, use_errno=True)
# System calls by their numbers on x86_64 and aarch64.
def call(x86_64, aarch64, *words):
    ctypes.set_errno(0)
    return libc.syscall(x86_64 if os.uname().machine == "x86_64" else aarch64, *words) >= 0
try:
{probe}
except OSError:
    pass
print("found", got) if got else print("nothing")
"""


@dataclass(frozen=True)
class Probe:
    """One attempt.

    Parameters
    ----------
    shows : str
        What is shown when it finds nothing; the manual's table says the same.
    code : str
        Python that sets `got`.
    """

    shows: str
    code: str


NETWORK = {
    "tcp to the host's loopback": Probe(
        "the network is the kernel's own", "got = socket.create_connection(('127.0.0.1', facts['port']), timeout=2)"
    ),
    "tcp over IPv6": Probe(
        "over IPv6 too", "got = socket.create_connection(('::1', facts['port']), timeout=2)"
    ),
    "udp to the host's loopback": Probe(
        "a datagram is not delivered either",
        "s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.settimeout(30)\n"
        "s.connect(('127.0.0.1', facts['udp'])); s.send(b'probe'); got = s.recv(10)",
    ),
    "a network device": Probe(
        "it has no device but its own loopback", "got = [name for _, name in socket.if_nameindex() if name != 'lo']"
    ),
    "a route": Probe("there is no way to another network", "got = read('/proc/net/route').splitlines()[1:]"),
    "name service": Probe(
        "no name leads anywhere",
        "got = [p for p in ('/etc/resolv.conf', '/etc/hosts', '/etc/nsswitch.conf') if os.path.exists(p)]",
    ),
    "the host's own name": Probe(
        "the machine's name stays outside",
        "got = socket.gethostname() == facts['hostname'] or socket.gethostbyname(facts['hostname'])",
    ),
    "an abstract socket of the host": Probe(
        "sockets without a file are not shared", "s = socket.socket(socket.AF_UNIX)\n"
        "s.connect('\\0' + facts['abstract']); got = s",
    ),
    "a socket file of the host": Probe(
        "nor are sockets with one", "s = socket.socket(socket.AF_UNIX); s.connect(facts['socket']); got = s"
    ),
    "a raw packet socket": Probe(
        "nobody listens on the wire", "got = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)"
    ),
    "a raw IP socket": Probe(
        "nobody writes packets by hand", "got = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)"
    ),
    "a socket to the machine below": Probe(
        "vsock, which knows no namespaces, is refused", "got = socket.socket(socket.AF_VSOCK, socket.SOCK_STREAM)"
    ),
    "the kernel's cryptography by socket": Probe(
        "rare kinds of socket are refused", "got = socket.socket(socket.AF_ALG, socket.SOCK_SEQPACKET)"
    ),
}  # fmt: skip

FILES = {
    "the home folder": Probe("the home is not there", "got = os.listdir(facts['home'])"),
    "the vault": Probe("nor is the vault", "got = os.listdir(facts['home'] + '/vault')"),
    "the operator's key": Probe("nor its keys", "got = read(facts['home'] + '/keys/operator.key')"),
    "the store": Probe("nor the store and its log", "got = read(facts['home'] + '/store.sqlite')"),
    "another account's workspace": Probe(
        "people do not see each other's files", "got = os.listdir(facts['home'] + '/workspaces/custodian')"
    ),
    "another account's packages": Probe(
        "nor each other's packages", "got = os.listdir(facts['home'] + '/environments')"
    ),
    "any key by name": Probe("no key lies elsewhere", "got = files('*.key', '*.sqlite-wal', 'store.sqlite')"),
    "a link out of the workspace": Probe(
        "a link leads nowhere", "os.path.lexists('way-out') or os.symlink(facts['home'], 'way-out')\n"
        "try: got = os.listdir('way-out')\nfinally: os.unlink('way-out')",
    ),
    "the folder above the workspace": Probe(
        "its parent is the sandbox's own root", "got = set(os.listdir('/workspace/..')) - set(os.listdir('/'))"
    ),
    "a file by its handle": Probe(
        "files are not opened past their folders",
        "handle, mount = ctypes.create_string_buffer(b'\\x80', 136), ctypes.c_int()\n"
        "got = call(303, 264, -100, b'/tmp', handle, ctypes.byref(mount), 0)",
    ),
    "the tests beside the package": Probe("only the package itself is shown", "got = os.listdir(facts['tests'])"),
    "the owner's own folder": Probe(
        "the home of who runs the server is empty", "got = set(os.listdir(facts['owner'])) - set(facts['python'])"
    ),
    "accounts of the machine": Probe(
        "nobody's account is named",
        "got = [p for p in ('/etc/passwd', '/etc/shadow', '/etc/group') if os.path.exists(p)]",
    ),
    "connection files of others": Probe(
        "another kernel's address and key stay unknown", "got = files('kernel-*.json') or files('connection.json')[1:]"
        " or (os.path.exists(facts['runtime']) and os.listdir(facts['runtime']))",
    ),
    "sockets of other kernels": Probe(
        "another kernel cannot be spoken to", "got = files('ipc-1')[1:] or files('jupyter_cookie_secret')"
    ),
}  # fmt: skip

ENVIRONMENT = {
    "its own environment": Probe(
        "the server's variables are not inherited",
        "got = [n for n, v in os.environ.items() if facts['secret'] in v or n == 'SERVER_SECRET']",
    ),
    "the environment of process 1": Probe(
        "nor left with the first process", "got = facts['secret'] in read('/proc/1/environ')"
    ),
    "the environment of any process": Probe(
        "nor with any other",
        "got = [p for p, text in readable(glob.glob('/proc/[0-9]*/environ')) if facts['secret'] in text]",
    ),
    "command lines": Probe(
        "no command line tells of the host", "got = [p for p, text in readable(glob.glob('/proc/[0-9]*/cmdline'))"
        " if facts['home'] in text or 'pytest' in text or facts['secret'] in text]",
    ),
    "the memory of process 1": Probe(
        "the first process is closed to the rest", "got = [read('/proc/1/mem'), writable('/proc/1/mem')]"
    ),
    "the open files of process 1": Probe(
        "its open files too", "got = [os.readlink(p) for p in glob.glob('/proc/1/fd/*')]"
    ),
    "the server's output": Probe(
        "no open file leads to the server's log",
        "got = [t for t in map(os.readlink, [p for p in glob.glob('/proc/self/fd/*') if os.path.lexists(p)])"
        " if t.startswith('/') and not t.startswith(('/dev/', '/tmp/', '/workspace/', '/proc/'))"
        " and '/run/kernels/' not in t]",
    ),
}  # fmt: skip

PROCESSES = {
    "the process that started it": Probe(
        "the server's process is not there", "got = read(f\"/proc/{facts['pid']}/cmdline\") == facts['cmdline']"
    ),
    "more processes than its own": Probe(
        "nor is anybody else's", "got = [p for p in os.listdir('/proc') if p.isdigit() and int(p) > 2]"
    ),
    "a signal to the host": Probe("no signal reaches them", "os.kill(facts['pid'], 0); got = True"),
    "namespaces of the host": Probe(
        "seven kinds of namespace are its own",
        "got = [n for n in facts['namespaces'] if os.readlink(f'/proc/self/ns/{n}') == facts['namespaces'][n]]",
    ),
    "the root of process 1": Probe(
        "the first process sees no other root", "got = set(os.listdir('/proc/1/root')) - set(os.listdir('/'))"
    ),
    "the namespaces of process 1": Probe(
        "and lends nobody its namespaces",
        "got = call(308, 268, os.open('/proc/1/ns/mnt', os.O_RDONLY), 0)",
    ),
    "a debugger on its parent": Probe("ptrace is refused", "got = call(101, 117, 16, os.getppid(), 0, 0)"),
    "a debugger on its own child": Probe("even on a child of its own", "got = call(101, 117, 0, 0, 0, 0)"),
    "another process's memory": Probe(
        "no process reads another's memory", "part = (ctypes.c_size_t * 2)(0, 0)\n"
        "got = call(310, 270, os.getpid(), ctypes.byref(part), 1, ctypes.byref(part), 1, 0)",
    ),
    "another process's open file": Probe(
        "nor takes its open files", "got = call(438, 438, os.pidfd_open(os.getpid()), 0, 0)"
    ),
    "the terminal": Probe("there is no terminal to type into", "got = os.open('/dev/tty', os.O_RDWR)"),
    "typing into a terminal": Probe(
        "nor a way to type into one that it makes", "import fcntl, pty\nmaster, slave = pty.openpty()\n"
        "fcntl.ioctl(slave, 0x5412, b'x'); got = True",
    ),
}  # fmt: skip

PRIVILEGES = {
    "a nested user namespace": Probe(
        "no sandbox inside the sandbox, where one would be root",
        "got = subprocess.run(['unshare', '--user', 'true'], capture_output=True).returncode == 0",
    ),
    "a nested namespace by system call": Probe("by no way of asking", "got = libc.unshare(0x10000000) == 0"),
    "a namespace for a new process": Probe(
        "nor for a child", "got = call(56, 220, 0x10000000 | 17, 0, 0, 0, 0)",
    ),
    "a process by the newer call": Probe(
        "whose newer call the filter cannot read, so it is absent",
        "got = call(435, 435, ctypes.create_string_buffer(88), 88) or ctypes.get_errno() != 38",
    ),
    "a mount namespace": Probe("the files' namespace stays", "got = libc.unshare(0x00020000) == 0"),
    "a mount": Probe("nothing is mounted", "got = libc.mount(b'none', b'/tmp', b'tmpfs', 0, None) == 0"),
    "a mount by the newer calls": Probe("nor by the newer calls", "got = call(430, 430, b'tmpfs', 0)"),
    "an unmount": Probe("nothing is uncovered", "got = libc.umount2(b'/tmp', 2) == 0"),
    "another root": Probe("the root stays", "os.chroot('/tmp'); got = True"),
    "capabilities": Probe(
        "no capability is left",
        "got = [l for l in read('/proc/self/status').splitlines() if l.startswith('Cap') and int(l.split()[1], 16)]",
    ),
    "new privileges": Probe("no program gives new ones", "got = 'NoNewPrivs:\\t1' not in read('/proc/self/status')"),
    "another user": Probe(
        "nobody becomes another user", "got = [u for u in (0, 1, 33) if u != os.getuid() and (os.setuid(u) or True)]"
    ),
}  # fmt: skip

SYSTEM_CALLS = {
    "a kernel without a filter": Probe(
        "every process is filtered", "got = [p for p, text in readable(glob.glob('/proc/[0-9]*/status'))"
        " if 'Seccomp:\\t2' not in text]",
    ),
    "a filter of its own that allows": Probe(
        "a second filter takes nothing back", "class Program(ctypes.Structure):\n"
        "    _fields_ = (('length', ctypes.c_ushort), ('steps', ctypes.c_char_p))\n"
        "import struct\nallow = Program(1, struct.pack('=HBBI', 6, 0, 0, 0x7fff0000))\n"
        "libc.prctl(22, 2, ctypes.byref(allow), 0, 0); got = call(101, 117, 0, 0, 0, 0)",
    ),
    "io_uring": Probe(
        "its requests would pass the filter unseen", "got = call(425, 425, 8, ctypes.create_string_buffer(120))"
    ),
    "userfaultfd": Probe("the usual help of kernel exploits is off", "got = call(323, 282, 1)"),
    "bpf": Probe(
        "no program runs in the machine's kernel", "got = call(321, 280, 0, ctypes.create_string_buffer(64), 64)"
    ),
    "performance counters": Probe(
        "nobody measures the machine",
        "attributes = b'\\1\\0\\0\\0\\x70' + bytes(35) + b'\\x60' + bytes(87)\n"
        "got = call(298, 241, ctypes.create_string_buffer(attributes), 0, -1, -1, 0)",
    ),
    "the machine's keys": Probe(
        "the key rings of the user are closed",
        "got = call(250, 219, 0, -3, 1) or call(248, 217, b'user', b'x', b'y', 1, -3)",
    ),
    "a kernel module": Probe(
        "the machine's kernel is not extended", "got = call(313, 273, -1, b'', 0) or ctypes.get_errno() != 1"
    ),
    "another kernel": Probe("nor replaced", "got = call(246, 104, 0, 0, 0, 0) or ctypes.get_errno() != 1"),
    "the kernel's messages": Probe("nor listened to", "got = call(103, 116, 10, 0, 0)"),
    "system calls of another kind": Probe(
        "32-bit numbers do not slip past", "got = os.uname().machine == 'x86_64' and call(0x40000000 + 39, 0)"
    ),
    "a core file": Probe(
        "a crash leaves no copy of memory", "got = resource.getrlimit(resource.RLIMIT_CORE) != (1, 1)"
    ),
}  # fmt: skip

MACHINE = {
    "a disk": Probe(
        "no disk is shown", "got = [p for p in glob.glob('/dev/*') if os.path.isfile(p)] or glob.glob('/dev/[svx]d*')"
    ),
    "a device made here": Probe(
        "nor made", "os.mknod('/tmp/disk', 0o60600, os.makedev(254, 0)); got = open('/tmp/disk', 'rb')"
    ),
    "more devices than it needs": Probe(
        "of devices there are the harmless ones, and a GPU's",
        "got = set(os.listdir('/dev')) - set('console core fd full null ptmx pts random shm stderr stdin stdout tty"
        " urandom zero'.split()) - {n for n in os.listdir('/dev') if n.startswith('nvidia')}",
    ),
    "memory of the machine": Probe(
        "its memory is no file", "got = readable(['/dev/mem', '/dev/kmem', '/dev/kmsg', '/dev/port'])"
    ),
    "controls of the machine": Probe(
        "its controls are read-only, also for a server run by root",
        "got = [p for p in map(writable, ['/proc/sys/kernel/core_pattern', '/proc/sys/kernel/hostname',"
        " '/proc/sys/vm/drop_caches', '/proc/sysrq-trigger', '/proc/sys/kernel/modprobe',"
        " '/proc/sys/fs/binfmt_misc/register', '/proc/1/oom_score_adj']) if p]",
    ),
    "facts about the machine's memory": Probe(
        "what would help to attack it is hidden", "got = [p for p, t in readable(['/proc/kcore', '/proc/kallsyms',"
        " '/proc/keys', '/proc/kpageflags', '/proc/timer_list']) if t]",
    ),
    "the machine's devices in /sys": Probe("/sys is not there", "got = os.listdir('/sys')"),
}  # fmt: skip

WRITING = {
    "writing outside its folders": Probe(
        "it writes to its workspace and /tmp alone",
        "got = [p for p in map(can_create, ['/', '/usr', '/usr/bin', '/etc', '/dev', '/proc', '/run', '/run/workbench',"
        " '/packages', sys.prefix, sys.base_prefix, facts['package'], os.path.dirname(facts['home'])]) if p]",
    ),
    "changing the package": Probe("the workbench stays as it is", "got = writable(facts['package'] + '/errors.py')"),
    "changing the interpreter": Probe("so does Python", "got = writable(os.path.realpath(sys.executable))"),
    "changing its packages": Probe(
        "packages are changed by asking for others",
        "got = can_create('/packages/current') or writable('/packages/current')",
    ),
    "replacing the gateway's socket": Probe(
        "nobody steps between it and the gateway", "os.unlink('/run/workbench/gateway.sock'); got = True"
    ),
    "replacing the arena's socket": Probe(
        "nor between it and the memory of volumes", "os.unlink('/run/workbench/arena.sock'); got = True"
    ),
    "writing into the arena": Probe(
        "shared memory is sealed: only the gateway writes it",
        "import socket\n"
        "from workbench.data.block_wire import PROTOCOL, pack\n"
        "line = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)\n"
        "line.connect('/run/workbench/arena.sock')\n"
        "line.send(pack({'protocol': PROTOCOL, 'token': os.environ['WORKBENCH_TOKEN']}))\n"
        "held = socket.recv_fds(line, 9999, 1)[1][0]\n"
        "got = os.pwrite(os.open(f'/proc/self/fd/{held}', os.O_RDWR), b'x', 4096)",
    ),
}  # fmt: skip

DOORS = {
    "Jupyter's files": Probe(
        "the lab's files are out of reach, with its own token", "got = lab('GET', '/api/contents?content=1')"
    ),
    "Jupyter's kernels": Probe("so are other kernels", "got = lab('POST', '/api/kernels', '{\"name\": \"python3\"}')"),
    "Jupyter's terminals": Probe("and terminals", "got = lab('POST', '/api/terminals', '{}')"),
    "Jupyter's downloads": Probe("and downloads", "got = lab('GET', '/files/note.txt')"),
    "Jupyter's converter": Probe("and nbconvert", "got = lab('GET', '/nbconvert/html/a.ipynb')"),
    "the lab as its browser": Probe("and the workbench's own page", "got = lab('GET', '/workbench/api/me')"),
    "a session for somebody else": Probe(
        "the gateway opens no session for a kernel", "got = gateway('POST', '/v1/sessions', {'person': 'custodian'})"
    ),
    "a kernel for somebody else": Probe(
        "nor announces another kernel",
        "got = gateway('POST', '/v1/kernels', {'person': 'custodian', 'isolation': 'bubblewrap'})",
    ),
    "a token that names somebody else": Probe(
        "a token that was changed is worth nothing",
        "body, _, signature = os.environ['WORKBENCH_TOKEN'].partition('.')\n"
        "claims = json.loads(base64.urlsafe_b64decode(body + '=' * (-len(body) % 4))) | {'person': 'custodian'}\n"
        "other = base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip('=')\n"
        "got = gateway('GET', '/v1/whoami', token=f'{other}.{signature}')",
    ),
    "the token of a kernel that ended": Probe(
        "nor is one whose kernel has ended", "got = gateway('GET', '/v1/whoami', token=facts['ended'])"
    ),
    "the accounts": Probe("the list of people is not for kernels", "got = gateway('GET', '/v1/people')"),
    "the audit log": Probe("nor is the log", "got = gateway('GET', '/v1/audit')"),
    "its own approval": Probe(
        "a kernel decides nothing", "got = gateway('POST', '/v1/requests/R1/approve', {'reason': 'x'})"
    ),
    "its own release": Probe("nor votes", "got = gateway('POST', '/v1/offers/O1/votes', {'vote': 'approve'})"),
    "a path around the policy": Probe(
        "a path is what it looks like", "got = [p for p in ('/v1/datasets/../audit', '/v1/datasets/%2e%2e/audit',"
        " '/v1//audit', '/v1/datasets/x%2f..%2f..%2faudit') if gateway('GET', p)]",
    ),
}  # fmt: skip

GROUPS = {
    "Network": NETWORK, "Files": FILES, "Environment": ENVIRONMENT, "Other processes": PROCESSES,
    "Privileges": PRIVILEGES, "System calls": SYSTEM_CALLS, "The machine": MACHINE, "Writing": WRITING,
    "Other doors": DOORS,
}  # fmt: skip
PROBES = {name: probe for group in GROUPS.values() for name, probe in group.items()}


def documented() -> str:
    """Give the probes as the manual's table."""
    lines = ["| a cell tries | and finds nothing, which shows that |", "|---|---|"]
    for group, probes in GROUPS.items():
        lines.append(f"| **{group}** | |")
        lines += [f"| {name} | {probe.shows} |" for name, probe in probes.items()]
    return "\n".join(lines)
