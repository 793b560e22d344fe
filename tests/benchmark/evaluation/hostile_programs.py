"""Programs and answers that mean harm, by what they try."""

from __future__ import annotations

from small_models import HONEST

_CALL = "import socket; socket.create_connection(('192.0.2.1', 80), 2)"
NETWORK = {
    "a connection": _CALL,
    "a connection that is caught": f"""
import socket
try:
    socket.create_connection(('192.0.2.1', 80), 2)
except OSError:
    pass
{HONEST}""",
    "over IPv6": "import socket; socket.socket(socket.AF_INET6).connect(('2001:db8::1', 443))",
    "a name lookup": "import urllib.request; urllib.request.urlopen('http://example.org')",
    "a datagram": "import socket; socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b'x', ('192.0.2.1', 53))",
    "a datagram by sendmsg": """
import socket
socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendmsg([b'x'], [], 0, ('192.0.2.1', 9))""",
    "another program": f"""
import subprocess, sys
subprocess.run([sys.executable, '-c', "{_CALL}"])
{HONEST}""",
    "a child that outlives its parent": """
import os, socket, time
if not os.fork():
    os.setsid()
    time.sleep(0.3)
    socket.create_connection(('192.0.2.1', 80), 2)
time.sleep(5)""",
}

BOMBS = {
    "processes": ("import os\nwhile True: os.fork()", "OOM_KILLED"),
    "sessions": ("import os\nwhile True:\n    if not os.fork(): os.setsid()", "OOM_KILLED"),
    "threads": (
        "import threading, time\nwhile True: threading.Thread(target=time.sleep, args=(60,)).start()", "OOM_KILLED"),
    "one array": ("bytearray(10**10)", "OOM_KILLED"),
    "memory bit by bit": ("kept = []\nwhile True: kept.append(bytearray(2**20))", "OOM_KILLED"),
    "memory of many processes": ("""
import multiprocessing, time
def grow(_):
    kept = bytearray(2**27)
    time.sleep(20)
multiprocessing.get_context('fork').Pool(4).map(grow, range(4))""", "OOM_KILLED"),
    "files in memory": ("""
import time
for path in ('/dev/shm/x', '/tmp/y'):
    open(path, 'wb').write(bytes(200 * 2**20))
time.sleep(20)""", "OOM_KILLED"),
    "one endless file": ("f = open('/output/x', 'wb')\nwhile True: f.write(bytes(2**16))", "OUTPUT_TOO_LARGE"),
    "endless files": ("n = 0\nwhile True: open(f'/output/{n}', 'w'); n += 1", "OUTPUT_TOO_LARGE"),
    "a file of holes": ("open('/output/predictions.json', 'wb').truncate(2**27)", "OUTPUT_TOO_LARGE"),
    "endless printing": ("while True: print('x' * 9999)", "OUTPUT_TOO_LARGE"),
    "endless complaints": ("import sys\nwhile True: sys.stderr.write('x' * 9999)", "OUTPUT_TOO_LARGE"),
}  # fmt: skip

STUCK = {
    "a loop": "while True: pass",
    "sleep": "import time; time.sleep(600)",
    "a stop of itself": "import os, signal; os.kill(os.getpid(), signal.SIGSTOP)",
    "deaf to signals": "import signal, time\nfor n in (1, 2, 15): signal.signal(n, signal.SIG_IGN)\ntime.sleep(600)",
    "a pipe without an end": "import os; os.mkfifo('/tmp/p'); open('/tmp/p').read()",
}

OUTPUTS = {
    "a link to a file of the system": "import os; os.symlink('/usr/bin/env', '/output/predictions.json')",
    "a link to the input": "import os; os.symlink('/input/index.json', '/output/predictions.json')",
    "a folder": "import os; os.mkdir('/output/predictions.json')",
    "a pipe": "import os; os.mkfifo('/output/predictions.json')",
    "a socket": "import socket; socket.socket(socket.AF_UNIX).bind('/output/predictions.json')",
    "another name": "open('/output/answers.json', 'w').write('[]')",
    "nothing": "pass",
    "an orphan that writes later": """
import os, time
if not os.fork():
    time.sleep(2)
    open('/output/predictions.json', 'w').write('[]')""",
}

_PLACE = '"x_mm": 1, "y_mm": 2, "z_mm": 3'


def _marked(probability: str) -> str:
    return f'[{{"id": "rehearsal-1", "marks": [{{{_PLACE}, "probability": {probability}}}]}}]'


ANSWERS = {
    "NaN": (_marked("NaN"), "MALFORMED_OUTPUT", "NaN"),
    "infinity": (_marked("1e999"), "MALFORMED_OUTPUT", "finite"),
    "out of range": (_marked("1.5"), "MALFORMED_OUTPUT", "0 to 1"),
    "twice the same scan": (
        '[{"id": "rehearsal-1", "marks": []}, {"id": "rehearsal-1", "marks": []}]', "MALFORMED_OUTPUT", "already"),
    "an unknown scan": ('[{"id": "elsewhere", "marks": []}]', "UNKNOWN_ITEM_IDS", "one of the 2 items"),
    "no JSON": ("{", "MALFORMED_OUTPUT", "Line 1"),
    "a bomb of brackets": ("[" * 200_000, "MALFORMED_OUTPUT", "nested"),
    "bytes": ("\udcff", "MALFORMED_OUTPUT", "UTF-8"),
}  # fmt: skip

# Prints what it could read or write and should not; `paths` and `targets` are put in by the test.
PRYING = """
import os, sys
parents = [str(os.getppid()), '1']
paths = {paths!r} + ['/proc/' + name + '/fd/' + str(number) for name in parents for number in range(20)]
for path in paths:
    try:
        os.close(os.open(path, os.O_RDONLY))
        print('could read', path)
    except OSError:
        pass
for path in [*{targets!r}, sys.prefix + '/x']:
    try:
        open(path, 'w')
        print('could write', path)
    except OSError:
        pass
print(sorted(os.environ))
raise SystemExit(1)
"""
