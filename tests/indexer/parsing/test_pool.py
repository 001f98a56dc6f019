"""Workers that hang, die and lie: one document each, and nothing else is touched."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import CancelledError, Future, wait
from pathlib import Path

import pytest

from indexer.config import ParsingConfig
from indexer.errors import EngineError, UnreadableDocument
from indexer.parsing import FORMATS, pool, worker
from indexer.parsing.frames import Parsed
from indexer.parsing.opening import open_document
from indexer.parsing.pool import ParsePool
from indexer.parsing.source import Source

FAULTY = (sys.executable, "-P", str(Path(__file__).with_name("faulty_worker.py")))
PATIENCE_S = 60


@pytest.fixture(scope="module")
def faulty(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ParsePool]:
    log = tmp_path_factory.mktemp("log") / "parse.log"
    config = ParsingConfig(workers=2, memory_mb=400)
    with ParsePool(config, log_path=log, command=FAULTY) as made:
        yield made


def text_of(future: Future[Parsed]) -> str:
    return future.result(PATIENCE_S).document.text


def is_alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


def wait_until_gone(pid: int) -> bool:
    deadline = time.monotonic() + PATIENCE_S
    while is_alive(pid) and time.monotonic() < deadline:
        time.sleep(0.02)
    return not is_alive(pid)


@pytest.mark.parametrize(
    ("fault", "status"),
    [
        ("crash", "crashed"),
        ("exit", "crashed"),
        ("leave", "crashed"),
        ("babble", "crashed"),
        ("nested", "crashed"),
        ("no object", "crashed"),
        ("foreign job", "crashed"),
        ("empty answer", "crashed"),
        ("killed", "budget"),
        ("grow", "budget"),
        ("claim", "budget"),
        ("raise", "broken"),
        ("refuse", "denied"),
    ],
)
def test_a_fault_costs_one_document(faulty: ParsePool, fault: str, status: str) -> None:
    before = [faulty.submit(f"before {number}".encode(), "a.txt") for number in range(3)]
    bad = faulty.submit(fault.encode(), "bad.txt")
    after = [faulty.submit(f"after {number}".encode(), "b.txt") for number in range(3)]
    with pytest.raises(UnreadableDocument) as caught:
        bad.result(PATIENCE_S)
    assert caught.value.status == status
    assert caught.value.reason.strip().endswith((".", "zero"))
    assert [text_of(future) for future in before] == ["before 0", "before 1", "before 2"]
    assert [text_of(future) for future in after] == ["after 0", "after 1", "after 2"]


@pytest.mark.parametrize("fault", ["hang", "unfinished"])
def test_a_document_that_takes_too_long_is_stopped(tmp_path: Path, fault: str) -> None:
    config = ParsingConfig(workers=1, timeout_s=2)
    with ParsePool(config, log_path=tmp_path / "log", command=FAULTY) as made:
        slow = made.submit(fault.encode(), "slow.txt")
        after = made.submit(b"after", "b.txt")
        with pytest.raises(UnreadableDocument, match="longer than 2 s") as caught:
            slow.result(PATIENCE_S)
        assert caught.value.status == "timeout"
        assert text_of(after) == "after"


def test_the_reason_of_a_parser_reaches_the_caller(faulty: ParsePool) -> None:
    with pytest.raises(UnreadableDocument, match=r"Not today\.") as caught:
        faulty.submit(b"refuse", "x").result(PATIENCE_S)
    assert caught.value.hint == "Try tomorrow."


def test_workers_see_no_secrets(faulty: ParsePool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "canary")
    monkeypatch.setattr(pool, "MAX_FILES", 0.5)  # the next worker is a new one
    text_of(faulty.submit(b"x", "x"))
    text_of(faulty.submit(b"x", "x"))
    environment = json.loads(text_of(faulty.submit(b"environment", "x")))
    assert "canary" not in environment.values()
    assert "PATH" in environment


def test_what_a_library_prints_goes_to_the_log(tmp_path: Path) -> None:
    log = tmp_path / "logs" / "parse.log"
    with ParsePool(ParsingConfig(workers=1), log_path=log, command=FAULTY) as made:
        assert text_of(made.submit(b"print", "x")) == "print"
    assert "printed by a library" in log.read_text()
    assert log.stat().st_mode & 0o077 == 0


def test_a_worker_is_replaced_after_enough_documents(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pool, "MAX_FILES", 0.25)
    with ParsePool(ParsingConfig(workers=1), log_path=tmp_path / "log", command=FAULTY) as made:
        pids = [text_of(made.submit(b"pid", "x")) for _ in range(4)]
        assert len(set(pids)) == 2


def test_a_worker_that_has_grown_is_replaced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pool, "PURE_PYTHON", frozenset())
    monkeypatch.setattr(pool, "MAX_RSS_MB", 1)
    with ParsePool(ParsingConfig(workers=1), log_path=tmp_path / "log", command=FAULTY) as made:
        assert text_of(made.submit(b"pid", "x")) != text_of(made.submit(b"pid", "x"))


def test_small_documents_do_not_wait_behind_one_that_hangs(tmp_path: Path) -> None:
    config = ParsingConfig(workers=2, timeout_s=600)
    with ParsePool(config, log_path=tmp_path / "log", command=FAULTY) as made:
        warm = [made.submit(b"x", "x") for _ in range(8)]
        wait(warm)
        stuck = made.submit(b"hang", "stuck.txt")
        others = [made.submit(f"{number}".encode(), "x") for number in range(20)]
        assert [text_of(future) for future in others] == [str(number) for number in range(20)]
        assert not stuck.done()
        assert made.working_on() == ("stuck.txt",)
    assert stuck.cancelled()


def test_closing_ends_the_workers_and_what_they_started(tmp_path: Path) -> None:
    made = ParsePool(ParsingConfig(workers=1, timeout_s=600), log_path=tmp_path / "log", command=FAULTY)
    pids = [int(text_of(made.submit(order, "x"))) for order in (b"pid", b"child")]
    stuck = made.submit(b"hang", "x")
    made.close()
    assert all(wait_until_gone(pid) for pid in pids)
    with pytest.raises(CancelledError):
        stuck.result(PATIENCE_S)
    with pytest.raises(EngineError):
        made.submit(b"x", "x").result(PATIENCE_S)


def test_workers_end_when_the_engine_is_killed(tmp_path: Path) -> None:
    script = (
        "import sys\nfrom pathlib import Path\nfrom indexer.config import ParsingConfig\n"
        "from indexer.parsing.pool import ParsePool\n"
        f"pool = ParsePool(ParsingConfig(workers=1, timeout_s=600), log_path=Path({str(tmp_path / 'log')!r}),"
        f" command={FAULTY!r})\n"
        "print(pool.submit(b'pid', 'x').result().document.text, flush=True)\n"
        "pool.submit(b'hang', 'x').result()\n"
    )
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True) as engine:
        assert engine.stdout is not None
        pid = int(engine.stdout.readline())
        assert is_alive(pid)
        engine.send_signal(signal.SIGKILL)
    assert wait_until_gone(pid)


def test_workers_that_cannot_start_are_reported(tmp_path: Path) -> None:
    command = (sys.executable, "-c", "raise SystemExit(1)")
    with ParsePool(ParsingConfig(workers=1), log_path=tmp_path / "log", command=command) as made:
        futures = [made.submit(b"x", "x") for _ in range(3)]
        for future in futures:
            with pytest.raises(EngineError):
                future.result(PATIENCE_S)


def test_a_cancelled_document_is_not_read(tmp_path: Path) -> None:
    config = ParsingConfig(workers=1, timeout_s=2)
    with ParsePool(config, log_path=tmp_path / "log", command=FAULTY) as made:
        stuck = made.submit(b"hang", "x")
        waiting = [made.submit(b"x", "x") for _ in range(10)]
        assert waiting[-1].cancel()
        with pytest.raises(UnreadableDocument):
            stuck.result(PATIENCE_S)
        assert [text_of(future) for future in waiting[:-1]] == ["x"] * 9


def test_no_descriptor_is_left_open(tmp_path: Path) -> None:
    before = sorted(Path("/proc/self/fd").iterdir())
    path = tmp_path / "a.txt"
    path.write_text("some text of a file")
    with ParsePool(ParsingConfig(workers=1), log_path=tmp_path / "log", command=FAULTY) as made:
        futures = []
        for _ in range(80):  # more than may wait at once
            descriptor = os.open(path, os.O_RDONLY)
            futures.append(made.submit(descriptor, "a.txt"))
            os.close(descriptor)
        assert {text_of(future) for future in futures} == {"some text of a file"}
        with pytest.raises(UnreadableDocument):
            made.submit(b"crash", "x").result(PATIENCE_S)
    assert sorted(Path("/proc/self/fd").iterdir()) == before


# --- the real worker -----------------------------------------------------------------------------


def test_a_document_comes_back_with_chunks_and_language(tmp_path: Path) -> None:
    content = (
        "# Titel\n\nDie Bäume im Wald stehen dicht, und der Weg führt über die Brücke.\n\n## Zwei\n\nEnde.\n"
    )
    with ParsePool(ParsingConfig(workers=1), log_path=tmp_path / "log") as made:
        parsed = made.submit(content.encode(), "notes.md").result(PATIENCE_S)
    source = Source.from_bytes(content.encode(), "notes.md", format="markdown")
    assert parsed == worker.read(source)
    os.close(source.descriptor)
    assert parsed.language == "de"
    assert parsed.document.title == "Titel"
    assert parsed.parser == pool.parser_version("markdown")
    for chunk in parsed.chunks:
        assert parsed.document.text[chunk.start : chunk.end] == chunk.text


def test_every_format_has_a_module_and_a_version() -> None:
    for format in FORMATS:
        assert pool.parser_version(format).startswith(f"{format}/")
    assert pool.parser_version("gone") == ""


def test_light_formats_load_no_heavy_library() -> None:
    script = """
import os, sys
from indexer.parsing import sniff, worker
from indexer.parsing.source import Source
for name in ("a.txt", "a.md", "a.rst", "a.adoc", "a.org", "a.json", "a.yaml", "a.py"):
    source = Source.from_bytes(b"Title\\n=====\\n\\nwords", name)
    source.format = sniff.sniff(source)
    worker.read(source)
heavy = {"pymupdf", "lxml", "docx", "pptx", "PIL", "numpy", "pydantic", "puremagic", "charset_normalizer"}
sys.exit(",".join(sorted(heavy & set(sys.modules))) or 0)
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


# --- opening -------------------------------------------------------------------------------------


def refusal(path: Path, root: Path, *, follow: bool = False, max_bytes: int | None = None) -> str:
    with pytest.raises(UnreadableDocument) as caught:
        open_document(os.fsencode(path), root=os.fsencode(root), follow_symlinks=follow, max_bytes=max_bytes)
    return caught.value.status


def test_a_file_below_the_root_is_opened(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("x")
    for root in (tmp_path, path, Path("/")):
        descriptor = open_document(os.fsencode(path), root=os.fsencode(root), follow_symlinks=False)
        assert os.read(descriptor, 10) == b"x"
        assert not os.get_inheritable(descriptor)
        os.close(descriptor)


def test_what_is_no_file_is_refused_at_once(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.pdf")
    (tmp_path / "folder.pdf").mkdir()
    with socket.socket(socket.AF_UNIX) as made:
        made.bind(str(tmp_path / "socket.pdf"))
        for name in ("pipe.pdf", "folder.pdf", "socket.pdf"):
            assert refusal(tmp_path / name, tmp_path) == "unsupported"
    assert refusal(Path("/dev/zero"), Path("/dev")) == "unsupported"


def test_links_are_followed_only_when_asked_and_never_out_of_the_root(tmp_path: Path) -> None:
    root = tmp_path / "root"
    (root / "inner").mkdir(parents=True)
    (root / "inner" / "a.txt").write_text("inside")
    (tmp_path / "secret.txt").write_text("outside")
    (root / "in.txt").symlink_to(root / "inner" / "a.txt")
    (root / "out.txt").symlink_to(tmp_path / "secret.txt")
    (root / "loop.txt").symlink_to("loop.txt")
    (root / "folder").symlink_to(tmp_path)
    assert refusal(root / "in.txt", root) == "unsupported"
    assert refusal(root / "out.txt", root, follow=True) == "denied"
    assert refusal(root / "loop.txt", root, follow=True) == "unsupported"
    assert refusal(root / "folder" / "secret.txt", root) == "denied"
    descriptor = open_document(os.fsencode(root / "in.txt"), root=os.fsencode(root), follow_symlinks=True)
    assert os.read(descriptor, 10) == b"inside"
    os.close(descriptor)


def test_size_is_checked_before_reading(tmp_path: Path) -> None:
    path = tmp_path / "sparse.pdf"
    with path.open("wb") as file:
        file.truncate(10 << 30)
    assert refusal(path, tmp_path) == "too-large"
    path.write_bytes(b"x" * 100)
    assert refusal(path, tmp_path, max_bytes=99) == "too-large"


def test_a_missing_file_is_no_failure_of_a_document(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        open_document(os.fsencode(tmp_path / "gone"), root=os.fsencode(tmp_path), follow_symlinks=False)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_without_permission_is_denied(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("x")
    path.chmod(0)
    assert refusal(path, tmp_path) == "denied"
