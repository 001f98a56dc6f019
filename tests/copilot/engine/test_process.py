"""Engines as real processes over a real, empty library: starting, ending, dying, being replaced."""

from __future__ import annotations

import os
import signal
import socket
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from copilot.engine import client, process, transport
from copilot.engine.transport import EngineLostError, Wire
from copilot.types import AskRequest, SummarizeRequest
from indexer.errors import ConfigError, EngineError, LibraryRefusedError, NotFoundError

HELLO = """
import sys
from copilot.engine.transport import Wire
print(Wire(sys.argv[1]).hello()["pid"])
"""


def wait_until(condition: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline, what
        time.sleep(0.05)


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "config.toml"
    path.write_text('[embedding]\nprovider = "none"\n[language_model]\nprovider = "none"\n')
    monkeypatch.setenv("QUIRE_CONFIG", str(path))
    return path


@pytest.fixture
def place(tmp_path: Path, config: Path) -> Iterator[process.Place]:
    place = process.place_of(tmp_path / "library")
    yield place
    process.stop(place)


def test_clients_started_at_once_make_one_engine(place: process.Place) -> None:
    clients = [
        subprocess.Popen([sys.executable, "-c", HELLO, place.library], stdout=subprocess.PIPE, text=True)
        for _ in range(10)
    ]
    answers = [each.communicate(timeout=60)[0] for each in clients]
    assert all(each.returncode == 0 for each in clients)
    assert len(set(answers)) == 1
    assert place.log.read_text().count(" serves, ") == 1


def test_killed_engine_is_started_again_and_the_call_repeated(place: process.Place) -> None:
    wire = Wire(place.library)
    first = wire.hello()["pid"]
    os.kill(first, signal.SIGKILL)
    assert wire.call("progress")["stage"] in ("idle", "scan")
    assert wire.hello()["pid"] != first


def test_lost_engine_ends_a_stream_and_the_next_one_finds_a_new_engine(place: process.Place) -> None:
    wire = Wire(place.library)
    events = wire.stream("events")
    assert next(events)[0] == "Progress"
    os.kill(wire.hello()["pid"], signal.SIGKILL)
    with pytest.raises(EngineLostError):
        list(events)
    again = wire.stream("events")
    assert next(again)[0] == "Progress"
    again.close()


def test_hanging_engine_is_replaced(place: process.Place, monkeypatch: pytest.MonkeyPatch) -> None:
    wire = Wire(place.library)
    first = wire.hello()["pid"]
    monkeypatch.setattr(transport, "PATIENCE_S", 0.5)
    monkeypatch.setattr(transport, "HELLO_S", 0.5)
    os.kill(first, signal.SIGSTOP)
    assert wire.call("progress")["stage"] in ("idle", "scan")
    monkeypatch.undo()
    assert process.engine_pid(place) != first


def test_engine_of_other_code_is_replaced_once(place: process.Place, monkeypatch: pytest.MonkeyPatch) -> None:
    old = Wire(place.library).hello()["pid"]
    monkeypatch.setenv("QUIRE_BUILD", "newer")
    clients = [
        subprocess.Popen([sys.executable, "-c", HELLO, place.library], stdout=subprocess.PIPE, text=True)
        for _ in range(4)
    ]
    answers = {each.communicate(timeout=60)[0].strip() for each in clients}
    assert len(answers) == 1
    assert answers != {str(old)}
    assert Wire(place.library).hello()["build"] == "newer"


def test_changed_settings_replace_the_engine(place: process.Place, config: Path) -> None:
    wire = Wire(place.library)
    first = wire.hello()["pid"]
    config.write_text(config.read_text() + "[engine]\nidle_minutes = 5\n")
    wire.call("progress")
    assert wire.hello()["pid"] != first


def test_sigterm_leaves_nothing_behind(place: process.Place) -> None:
    pid = Wire(place.library).hello()["pid"]
    os.kill(pid, signal.SIGTERM)
    wait_until(lambda: process.engine_pid(place) is None, "the engine is gone")
    wait_until(lambda: not place.socket.exists(), "the socket is gone")
    assert "Traceback" not in place.log.read_text()
    assert not process.stop(place)


@pytest.fixture
def working(place: process.Place, tmp_path: Path) -> tuple[int, set[int]]:
    """An engine that reads documents, and its child processes."""
    folder = tmp_path / "documents"
    folder.mkdir()
    for number in range(300):
        (folder / f"{number}.md").write_text(f"# Note {number}\n\n" + "Some words about it. " * 200)
    wire = Wire(place.library)
    wire.call("add_root", path=str(folder))
    pid = wire.hello()["pid"]
    wait_until(lambda: bool(_children(pid)), "parse workers run")
    return pid, _children(pid)


def _children(pid: int) -> set[int]:
    tasks = Path(f"/proc/{pid}/task").glob("*/children")
    return {int(child) for task in tasks for child in task.read_text().split()}


def test_parse_workers_do_not_outlive_a_killed_engine(working: tuple[int, set[int]]) -> None:
    pid, children = working
    os.kill(pid, signal.SIGKILL)
    wait_until(lambda: not any(process.alive(child) for child in children), "the workers are gone")


def test_engine_ends_cleanly_in_the_middle_of_its_work(
    place: process.Place, working: tuple[int, set[int]]
) -> None:
    pid, children = working
    assert process.stop(place)
    wait_until(lambda: not any(process.alive(each) for each in {pid, *children}), "all are gone")
    assert "Traceback" not in place.log.read_text()
    assert all(check["ok"] for check in Wire(place.library).call("doctor"))


def test_engine_told_to_end_while_it_comes_up_ends_cleanly(place: process.Place) -> None:
    process.ensure_running(place, None)
    assert process.stop(place)
    assert place.log.read_text().count("engine ends") == 1
    assert not place.socket.exists()


def test_socket_of_a_dead_engine_is_replaced(place: process.Place) -> None:
    process.private_folder(place.library)
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(place.socket))
    assert process.engine_pid(place) is None
    assert Wire(place.library).hello()["pid"] > 0


def test_idle_engine_ends_by_itself(place: process.Place, config: Path) -> None:
    config.write_text(config.read_text() + "[engine]\nidle_minutes = 0.01\n")
    Wire(place.library).hello()
    wait_until(lambda: process.engine_pid(place) is None, "the engine has ended")
    wait_until(lambda: not place.socket.exists(), "the socket is gone")


def test_what_keeps_the_engine_from_starting_is_told(place: process.Place, config: Path) -> None:
    config.write_text("[serach]\nlimit = 3\n")
    with pytest.raises(ConfigError, match="did you mean search"):
        Wire(place.library).hello()


def test_client_that_may_not_start_one_says_so(place: process.Place) -> None:
    with pytest.raises(EngineError, match="not running"):
        client.connect(place.library, start=False)


def test_nothing_listens_on_the_network_and_nobody_else_can_read(place: process.Place) -> None:
    pid = Wire(place.library).hello()["pid"]
    own = {str(entry.readlink()) for entry in Path(f"/proc/{pid}/fd").iterdir() if entry.is_symlink()}
    for table in ("tcp", "tcp6", "udp", "udp6"):
        path = Path(f"/proc/{pid}/net/{table}")
        rows = path.read_text().splitlines()[1:] if path.exists() else []
        assert not [row for row in rows if f"socket:[{row.split()[9]}]" in own]
    everything = [place.library, *place.library.rglob("*")]
    open_to_others = [path for path in everything if stat.S_IMODE(path.lstat().st_mode) & 0o077]
    assert open_to_others == []
    assert stat.S_IMODE(place.socket.stat().st_mode) == 0o600


def test_path_too_long_for_a_socket_uses_the_runtime_folder(
    tmp_path: Path, config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    runtime = Path(f"/tmp/quire-test-{os.getpid()}")
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(runtime))
    runtime.mkdir(mode=0o700)
    place = process.place_of(tmp_path / ("long" * 30))
    try:
        assert place.socket.parent == runtime / "quire"
        assert Wire(place.library).hello()["pid"] == process.engine_pid(place)
        assert stat.S_IMODE(place.socket.parent.stat().st_mode) == 0o700
    finally:
        process.stop(place)
        place.socket.parent.rmdir()
        runtime.rmdir()


def test_folder_others_can_write_to_is_refused(place: process.Place) -> None:
    place.library.mkdir()
    place.library.chmod(0o777)
    with pytest.raises(LibraryRefusedError, match="Others may write"):
        Wire(place.library).hello()
    place.library.chmod(0o700)


def test_folder_that_is_a_link_is_refused_for_sockets(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir(mode=0o700)
    (tmp_path / "link").symlink_to(tmp_path / "real")
    with pytest.raises(LibraryRefusedError, match="is a link"):
        process.private_folder(tmp_path / "link")


def test_what_would_be_sent_can_be_asked_through_the_engine(place: process.Place) -> None:
    opened = client.connect(place.library)
    assert opened.preview(AskRequest(question="When does the ferry sail?")).calls == ()
    with pytest.raises(NotFoundError):
        opened.preview_summary(SummarizeRequest(paths=("/nowhere/ferry.txt",)))
