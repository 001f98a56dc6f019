"""With nothing allowed to leave, no process of any command resolves a name or connects beyond loopback.

A Python of its own, whose every start sets an audit hook, runs the commands: so the engine, the parse workers
and the builder of Chroma's generations are watched as well, which inherit neither environment nor hooks.
"""

from __future__ import annotations

import os
import pty
import select
import shlex
import site
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tui.cli import COMMANDS

pytestmark = pytest.mark.xdist_group("local-only")

ROOT = Path(__file__).parents[2]
COMMAND = "import sys; from tui.cli import main; sys.exit(main())"
CONFIG = """
[language_model]
provider = "openai"
model = "gpt"
base_url = "https://models.example.com/v1"
api_key_env = "OPENAI_API_KEY"
[vectors]
seal_after = 100
[watch]
settle_s = 0
"""
HOOK = """
import site, sys
site.addsitedir({packages!r})
sys.path.insert(0, {root!r})
def _hook(log=open({log!r}, "a", buffering=1)):
    import os
    def note(event, what):
        log.write(f"{{os.getpid()}}\\t{{event}}\\t{{what!r}}\\n")
    def watch(event, arguments):
        if event == "socket.connect" or event == "socket.sendto":
            if not isinstance(arguments[1], (str, bytes)):
                note(event, arguments[1])
        elif event in ("socket.getaddrinfo", "socket.gethostbyname", "socket.gethostbyaddr"):
            note(event, arguments[0])
    sys.addaudithook(watch)
    note("start", open(f"/proc/{{os.getpid()}}/cmdline", "rb").read().split(b"\\0")[:6])
_hook()
"""
LINES = {
    "add": ["{folder}"],
    "remove": ["{other}"],
    "roots": [],
    "index": [],
    "search": ["brass lantern"],
    "ask": ["Who keeps the brass lantern?"],
    "summarize": ["{folder}/note-003.txt"],
    "history": [],
    "feedback": ["helped"],
    "show": ["{folder}/note-003.txt"],
    "duplicates": [],
    "diff": ["{folder}/note-003.txt", "{folder}/note-004.txt"],
    "status": [],
    "doctor": [],
    "privacy": ["{folder}"],
    "engine": ["status"],
    "config": ["show"],
    "completion": ["bash"],
}
"""What each command is given; a command that is not here is asked for its help."""


@dataclass
class Watched:
    """The Python with the hook, and a library of its own."""

    python: Path
    log: Path
    folder: Path
    environment: dict[str, str]

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [self.python, "-c", COMMAND, *arguments],
            env=self.environment,
            cwd=ROOT,
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
            timeout=180,
        )

    def seen(self) -> list[tuple[str, str, str]]:
        lines = self.log.read_text().splitlines()
        return [(pid, event, what) for pid, event, what in (line.split("\t") for line in lines)]


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watched]:
    base = tmp_path_factory.mktemp("watched")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", base / "venv"], check=True)
    (packages,) = (base / "venv").glob("lib/python*/site-packages")
    log = base / "sockets.log"
    log.touch()
    hook = HOOK.format(packages=site.getsitepackages()[0], root=str(ROOT), log=str(log))
    (packages / "quire_hook.py").write_text(hook)
    (packages / "quire_hook.pth").write_text("import quire_hook\n")
    folder, other = base / "documents", base / "other"
    folder.mkdir()
    other.mkdir()
    for number in range(130):
        (folder / f"note-{number:03}.txt").write_text(
            f"Note {number}. The brass lantern number {number} is kept by warden {number * 7}.\n"
        )
    (base / "config.toml").write_text(CONFIG)
    kept = {name: os.environ[name] for name in ("PATH", "LANG", "TMPDIR") if name in os.environ}
    environment = kept | {
        "HOME": str(base),
        "QUIRE_LIBRARY": str(base / "library"),
        "QUIRE_CONFIG": str(base / "config.toml"),
        "OPENAI_API_KEY": "sk-not-a-key",
        "HTTPS_PROXY": "http://proxy.example.com:3128",
        "TERM": "xterm-256color",
    }
    made = Watched(base / "venv" / "bin" / "python", log, folder, environment)
    yield made
    made.run("engine", "stop")


def outside(seen: list[tuple[str, str, str]]) -> list[tuple[str, str, str]]:
    """What is no start of a process and no connection to this machine."""
    local = ("('127.0.0.1'", "('::1'")
    return [
        (pid, event, what)
        for pid, event, what in seen
        if event != "start" and not (event == "socket.connect" and what.startswith(local))
    ]


def started(watched: Watched, module: str) -> bool:
    return any(event == "start" and module in what for _, event, what in watched.seen())


def test_the_hook_sees_what_must_not_be(watched: Watched) -> None:
    before = len(watched.seen())
    code = "import socket; s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.connect(('192.0.2.1', 9))"
    subprocess.run([watched.python, "-P", "-c", code], env=watched.environment, check=True)
    assert len(outside(watched.seen()[before:])) == 1
    lines = watched.log.read_text().splitlines(keepends=True)
    watched.log.write_text("".join(line for line in lines if "192.0.2.1" not in line))


def test_no_command_and_none_of_its_processes_leaves_this_machine(watched: Watched) -> None:
    done = watched.run("index", str(watched.folder))
    assert done.returncode == 0, done.stderr
    watched.run("add", str(watched.folder.parent / "other"))
    for command in [*LINES, *(name for name in COMMANDS if name not in LINES)]:
        given = LINES.get(command, ["--help"])
        arguments = [
            each.format(folder=watched.folder, other=watched.folder.parent / "other") for each in given
        ]
        done = watched.run(command, *arguments)
        assert done.returncode in (0, 1), (command, done.stderr)
        assert "Traceback" not in done.stderr
    assert set(LINES) <= set(COMMANDS)
    for process in ("tui", "copilot.engine", "indexer.parsing.worker", "indexer.vectors.build"):
        assert started(watched, process), process
    assert outside(watched.seen()) == []


def drawn(leader: int, wanted: bytes, deadline: float) -> bool:
    """Read what the interface draws until it has drawn `wanted`; False when it has not in time."""
    shown = b""
    while wanted not in shown and time.monotonic() < deadline:
        if select.select([leader], [], [], 0.5)[0]:
            shown += os.read(leader, 65536)
    return wanted in shown


def test_the_interface_does_not_either(watched: Watched) -> None:
    leader, follower = pty.openpty()
    shell = shlex.join([str(watched.python), "-c", COMMAND])
    running = subprocess.Popen(
        ["/bin/sh", "-c", f"stty rows 24 cols 80; exec {shell}"],
        env=watched.environment, cwd=ROOT, stdin=follower, stdout=follower, stderr=follower,
        start_new_session=True,
    )  # fmt: skip
    deadline = time.monotonic() + 90
    try:
        assert drawn(leader, b"Keys", deadline)
        while not drawn(leader, b"note-", min(deadline, time.monotonic() + 5)):
            assert time.monotonic() < deadline, "no search went through the engine"
            os.write(leader, b"\x7f" * 10 + b"lantern")  # the first keys may come before the input listens
        os.write(leader, b"\x11")
        while running.poll() is None and time.monotonic() < deadline:
            if select.select([leader], [], [], 0.2)[0]:
                os.read(leader, 65536)
    finally:
        running.kill()
        running.wait()
        os.close(leader)
        os.close(follower)
    assert outside(watched.seen()) == []
