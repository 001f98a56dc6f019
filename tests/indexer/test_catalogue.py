from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from indexer.catalogue import Catalogue, Fingerprint, NewDocument, cards, salvage, scoping
from indexer.catalogue.connection import Database, file_system, is_network, refuse_network
from indexer.catalogue.schema import SCHEMA_VERSION, TEXT_BLOCK
from indexer.errors import LibraryRefusedError, StoreError
from indexer.types import Chunk, Generation, ParsedDocument, Status
from tests.builders import damage

MARK = Fingerprint(1, 2, 3, 4, 5)


@pytest.fixture
def catalogue(tmp_path: Path) -> Iterator[Catalogue]:
    made = Catalogue(tmp_path / "catalogue.sqlite3")
    yield made
    made.close()


def document(digest: str, *texts: str, members: int = 0) -> NewDocument:
    whole = "\n\n".join(texts)
    chunks, at = [], 0
    for ordinal, text in enumerate(texts):
        chunks.append(
            Chunk(
                ordinal=ordinal, start=at, end=at + len(text), page=None, heading="", text=text, language="en"
            )
        )
        at += len(text) + 2
    return NewDocument(
        hash=digest,
        size_bytes=len(whole),
        parser="text/1",
        language="en",
        parsed=ParsedDocument(title="", text=whole, kind="text", format="text"),
        chunks=chunks,
        keys=[text.encode().ljust(16)[:16] for text in texts],
        status=Status.INDEXED,
    )


def add(catalogue: Catalogue, path: bytes, digest: str, *texts: str) -> tuple[int, int]:
    """A file with its document; ids of both."""
    root = catalogue.add_root(b"/r")
    catalogue.mark_pending(root, [(path, MARK)])
    state = catalogue.file_at(path)
    assert state is not None
    stored, _ = catalogue.store_document(document(digest, *texts))
    catalogue.link(state.id, stored, MARK, fresh=True)
    return state.id, stored


def test_a_document_comes_back_as_it_was_stored(catalogue: Catalogue) -> None:
    long = "ä" * (TEXT_BLOCK - 1) + "😀 end"
    add(catalogue, b"/r/a.txt", "aa", "first", long)
    assert [chunk.text for chunk in catalogue.chunks("aa")] == ["first", long]
    assert catalogue.text("aa", TEXT_BLOCK, TEXT_BLOCK + 8) == f"first\n\n{long}"[TEXT_BLOCK : TEXT_BLOCK + 8]
    assert catalogue.text("aa", 5, 5) == ""
    assert catalogue.resolve("/r/a.txt") == "aa"
    assert catalogue.resolve("sha256:aa") == "aa"
    assert catalogue.resolve("/r/b.txt") is None


def test_readers_cannot_write(catalogue: Catalogue) -> None:
    with pytest.raises(StoreError), catalogue.reader() as db:
        db.execute("DELETE FROM meta")


def test_a_reader_sees_one_state(catalogue: Catalogue) -> None:
    with catalogue.reader() as db:
        before = db.execute("SELECT count(*) FROM roots").fetchone()
        catalogue.add_root(b"/new")
        assert db.execute("SELECT count(*) FROM roots").fetchone() == before
    assert len(catalogue.root_paths()) == 1


def test_a_failed_transaction_leaves_nothing(catalogue: Catalogue) -> None:
    def fail() -> None:
        with catalogue.transaction():
            catalogue.add_root(b"/x")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert catalogue.root_paths() == {}


def test_a_failed_part_leaves_the_rest(catalogue: Catalogue) -> None:
    def fail() -> None:
        with catalogue.part():
            catalogue.add_root(b"/y")
            raise RuntimeError

    with catalogue.transaction():
        catalogue.add_root(b"/x")
        with pytest.raises(RuntimeError):
            fail()
    assert list(catalogue.root_paths().values()) == [b"/x"]


def test_readers_and_the_writer_work_side_by_side(catalogue: Catalogue) -> None:
    add(catalogue, b"/r/a.txt", "aa", "hello")
    stop = threading.Event()
    seen: list[str] = []

    def read() -> None:
        while not stop.is_set():
            seen.append(catalogue.text("aa"))

    threads = [threading.Thread(target=read) for _ in range(4)]
    for thread in threads:
        thread.start()
    for number in range(50):
        catalogue.set_meta("n", str(number))
    stop.set()
    for thread in threads:
        thread.join()
    assert set(seen) == {"hello"}


def test_there_is_one_writing_connection(catalogue: Catalogue, tmp_path: Path) -> None:
    with catalogue.transaction():
        other = sqlite3.connect(tmp_path / "catalogue.sqlite3", timeout=0)
        with pytest.raises(sqlite3.OperationalError, match="locked"):
            other.execute("INSERT INTO meta VALUES ('a', 'b')")
        other.close()


def test_a_full_disk_is_said_and_changes_nothing(catalogue: Catalogue) -> None:
    add(catalogue, b"/r/a.txt", "aa", "hello")
    with catalogue.transaction() as db:
        pages = db.execute("PRAGMA page_count").fetchone()[0]
    catalogue._writer.execute(f"PRAGMA max_page_count={pages}")
    noise = np.random.default_rng(1).integers(0x4E00, 0x9FFF, 300_000)
    with pytest.raises(StoreError, match="full") as caught:
        catalogue.store_document(document("bb", "".join(map(chr, noise))))
    assert "space" in caught.value.hint
    assert catalogue.document_by_hash("bb") is None
    assert catalogue.text("aa") == "hello"
    catalogue._writer.execute("PRAGMA max_page_count=1000000")
    catalogue.store_document(document("bb", "x"))


# --- moving, copying, deleting ---


def test_a_moved_container_takes_its_members_along(catalogue: Catalogue) -> None:
    outer, _ = add(catalogue, b"/r/a.zip", "aa", "zip")
    (inner,), _ = catalogue.put_members(outer, [(b"mail!/odd.eml", 4)])
    catalogue.put_members(inner, [(b"note.txt", 2)])
    catalogue.move_files([(outer, 1, b"/r/sub/b.zip", MARK)])
    with catalogue.reader() as db:
        paths = {row[0] for row in db.execute("SELECT path FROM files")}
    assert paths == {
        b"/r/sub/b.zip",
        b"/r/sub/b.zip!/mail!/odd.eml",
        b"/r/sub/b.zip!/mail!/odd.eml!/note.txt",
    }
    assert catalogue.container_of(b"/r/sub/b.zip!/mail!/odd.eml!/note.txt") == b"/r/sub/b.zip"


def test_names_may_be_swapped_in_one_step(catalogue: Catalogue) -> None:
    a, _ = add(catalogue, b"/r/a", "aa", "a")
    b, _ = add(catalogue, b"/r/b", "bb", "b")
    catalogue.move_files([(a, 1, b"/r/b", MARK), (b, 1, b"/r/a", MARK)])
    assert (catalogue.resolve("/r/a"), catalogue.resolve("/r/b")) == ("bb", "aa")


def test_a_copied_container_has_the_same_members(catalogue: Catalogue) -> None:
    outer, _ = add(catalogue, b"/r/a.zip", "aa", "zip")
    (member, broken), _ = catalogue.put_members(outer, [(b"n.txt", 4), (b"x.bin", 1)])
    inside, _ = catalogue.store_document(document("cc", "inside"))
    catalogue.link(member, inside, MARK)
    catalogue.fail_file(broken, MARK, "unsupported", "Not a document.", "")
    copy, _ = add(catalogue, b"/r/b.zip", "aa", "zip")
    assert catalogue.copy_members(outer, copy) == []
    assert catalogue.resolve("/r/b.zip!/n.txt") == "cc"
    assert len(catalogue.failed()) == 2


def test_a_document_leaves_when_its_last_path_does(catalogue: Catalogue) -> None:
    a, stored = add(catalogue, b"/r/a", "aa", "text")
    catalogue.mark_pending(1, [(b"/r/b", MARK)])
    b = catalogue.file_at(b"/r/b")
    assert b is not None
    catalogue.link(b.id, stored, MARK)
    assert catalogue.drop_files([a]).orphans == []
    assert catalogue.drop_files([b.id]).orphans == [stored]
    assert [row[1:] for row in catalogue.outbox()][-1] == ("drop-document", stored)
    assert catalogue.drop_documents([stored]) == [stored]
    assert catalogue.inconsistencies() == []
    assert catalogue.counts()["chunks"] == 0


def test_a_content_that_returns_in_time_is_queued_for_the_keyword_index(catalogue: Catalogue) -> None:
    a, stored = add(catalogue, b"/r/a", "aa", "text")
    catalogue.drop_files([a])
    catalogue.clear_outbox(catalogue.last_outbox())
    catalogue.mark_pending(1, [(b"/r/b", MARK)])
    b = catalogue.file_at(b"/r/b")
    assert b is not None
    catalogue.link(b.id, stored, MARK)
    assert ("add-document", stored) in [row[1:] for row in catalogue.outbox()]
    assert catalogue.drop_documents([stored]) == []


def test_an_edited_file_keeps_its_tags(catalogue: Catalogue) -> None:
    a, _ = add(catalogue, b"/r/a", "aa", "old")
    with catalogue.transaction() as db:
        card = cards.read(db, [cards.put_on(db, a)])[0]
        cards.write(db, replace(card, tags={"tax": ("tax", True)}, excluded=True))
    new, _ = catalogue.store_document(document("bb", "new"))
    catalogue.link(a, new, MARK, fresh=True)
    with catalogue.reader() as db:
        held = cards.read(db, cards.on_files(db, [a]).values())[0]
    assert (held.hash, held.tags, held.excluded) == ("bb", {"tax": ("tax", True)}, True)


def test_a_root_inside_a_new_root_gives_its_files_away(catalogue: Catalogue) -> None:
    inner = catalogue.add_root(b"/r/sub")
    catalogue.mark_pending(inner, [(b"/r/sub/a", MARK)])
    outer = catalogue.add_root(b"/r")
    catalogue.adopt_files(outer, b"/r/sub")
    assert set(catalogue.file_states(outer)) == {b"/r/sub/a"}
    assert set(catalogue.file_states(outer, [b"/r/sub"])) == {b"/r/sub/a"}
    assert catalogue.file_states(outer, [b"/r/su"]) == {}


def test_names_that_are_not_utf8(catalogue: Catalogue) -> None:
    add(catalogue, b"/r/caf\xe9.txt", "aa", "coffee")
    assert catalogue.resolve("/r/caf\ufffd.txt") == "aa"
    assert catalogue.resolve("/r/caf\udce9.txt") == "aa"


# --- vectors ---


def test_only_chunks_without_a_vector_wait(catalogue: Catalogue) -> None:
    add(catalogue, b"/r/a", "aa", "one", "two")
    model = catalogue.use_model("m/1", 2)
    waiting = catalogue.next_to_embed(model, 10)
    assert [(item.text, item.key) for item in waiting] == [
        ("one", b"one".ljust(16)),
        ("two", b"two".ljust(16)),
    ]
    ids, vectors = catalogue.store_vectors(
        model, [item.key for item in waiting], np.array([[1, 0], [0, 1]], np.float32)
    )
    assert catalogue.next_to_embed(model, 10) == []
    assert catalogue.pending_embed() == 0
    # An edit that keeps a paragraph embeds only the other one.
    add(catalogue, b"/r/b", "bb", "two", "three")
    assert [item.text for item in catalogue.next_to_embed(model, 10)] == ["three"]
    assert catalogue.vector_ids(model).tolist() == ids
    assert catalogue.read_vectors(model, ids[::-1]).tolist() == vectors[::-1].tolist()
    with pytest.raises(KeyError):
        catalogue.read_vectors(model, [99])


def test_newest_and_smallest_documents_are_embedded_first(catalogue: Catalogue) -> None:
    for name, priority in (("old", 5), ("new", -5), ("middle", 0)):
        new = document(name, f"text of {name}")
        stored, _ = catalogue.store_document(
            NewDocument(**{**{f: getattr(new, f) for f in new.__slots__}, "priority": priority})
        )
        root = catalogue.add_root(b"/r")
        catalogue.mark_pending(root, [(b"/r/" + name.encode(), MARK)])
        state = catalogue.file_at(b"/r/" + name.encode())
        assert state is not None
        catalogue.link(state.id, stored, MARK, fresh=True)
    order = [item.text for item in catalogue.next_to_embed(0, 10)]
    assert order == ["text of new", "text of middle", "text of old"]


def test_another_model_queues_everything_and_the_old_vectors_stay(catalogue: Catalogue) -> None:
    add(catalogue, b"/r/a", "aa", "one")
    first = catalogue.use_model("m/1", 1)
    catalogue.store_vectors(first, [b"one".ljust(16)], np.ones((1, 1), np.float32))
    second = catalogue.use_model("m/2", 1)
    assert len(catalogue.next_to_embed(second, 10)) == 1
    assert catalogue.vectors_of("aa") is None
    assert catalogue.use_model("m/1", 1) == first
    assert catalogue.pending_embed() == 0
    assert catalogue.vectors_of("aa") is not None


def test_vectors_without_a_chunk_are_found_and_dropped(catalogue: Catalogue) -> None:
    a, stored = add(catalogue, b"/r/a", "aa", "one")
    model = catalogue.use_model("m/1", 1)
    ids, _ = catalogue.store_vectors(model, [b"one".ljust(16)], np.ones((1, 1), np.float32))
    assert catalogue.store_vectors(model, [b"none".ljust(16)], np.ones((1, 1), np.float32))[0] == []
    assert catalogue.drop_unused_vectors(model) == []
    catalogue.drop_files([a])
    catalogue.drop_documents([stored])
    assert catalogue.drop_unused_vectors(model) == ids


def test_generations_are_swapped_at_once(catalogue: Catalogue) -> None:
    model = catalogue.use_model("m/1", 1)
    old = Generation(name="gen-1", lo=1, hi=5, count=5, manifest="aa")
    new = Generation(name="gen-2", lo=1, hi=9, count=8, manifest="bb")
    catalogue.replace_generations(model, [], [old])
    catalogue.replace_generations(model, ["gen-1"], [new])
    assert catalogue.generations(model) == [new]
    assert catalogue.generations(model + 1) == []


# --- the file ---


def test_a_newer_format_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "catalogue.sqlite3"
    Catalogue(path).close()
    with sqlite3.connect(path) as db:
        db.execute(f"PRAGMA user_version={SCHEMA_VERSION + 1}")
    db.close()
    content = path.read_bytes()
    with pytest.raises(LibraryRefusedError, match="newer"):
        Catalogue(path)
    assert path.read_bytes() == content


def test_a_catalogue_of_the_first_format_is_taken_along(tmp_path: Path) -> None:
    path = tmp_path / "catalogue.sqlite3"
    Catalogue(path).close()
    with sqlite3.connect(path) as db:  # as the first version made it
        for table in ("TRIGGER egress_log_kept", "TRIGGER egress_log_unchanged"):
            db.execute(f"DROP {table}")
        for table in ("VIEW file_tags", "VIEW file_fields", "TRIGGER cards_follow"):
            db.execute(f"DROP {table}")
        tables = ["label_undo", "ruled", "label_rules", "collections", "custom_fields", "card_verdicts"]
        tables += (
            "card_fields",
            "card_tags",
            "cards",
            "echoes",
            "means",
            "likenesses",
            "signatures",
            "versions",
        )
        for table in tables:
            db.execute(f"DROP TABLE {table}")
        for table in ("weak_chunks", "measures", "decodings", "ocr_queue", "ocr_pages"):
            db.execute(f"DROP TABLE {table}")
        db.execute("DROP INDEX documents_textless")
        db.execute(
            "CREATE TABLE tags (hash TEXT NOT NULL, tag TEXT NOT NULL, PRIMARY KEY (hash, tag)) STRICT"
        )
        db.execute("CREATE TABLE excluded (hash TEXT PRIMARY KEY) STRICT")
        db.execute("INSERT INTO tags VALUES ('aa', 'Tax'), ('bb', 'tax')")
        db.execute("INSERT INTO excluded VALUES ('bb')")
        db.execute("ALTER TABLE egress_log DROP COLUMN redacted")
        db.execute(
            "INSERT INTO egress_log (created_ns, host, model, purpose, bytes, outcome)"
            " VALUES (1, 'api.example.com', 'm', 'answer', 5, '200')"
        )
        db.execute("PRAGMA user_version=1")
    db.close()
    made = Catalogue(path)
    assert made.egress_log()[0]["redacted"] == {}
    with made.reader() as db:
        held = {card.hash: (card.file_id, dict(card.tags), card.excluded) for card in cards.read_all(db)}
    assert held == {"aa": (None, {"tax": ("Tax", True)}, False), "bb": (None, {"tax": ("tax", True)}, True)}
    assert made.log_egress("h", "m", "answer", 7, ["ab"], "sending", {"MAIL": 2}) == 2
    made.close()
    salvage.rebuild(path)
    made = Catalogue(path)
    assert [entry["bytes"] for entry in made.egress_log()] == [7, 5]
    made.close()


def test_the_log_of_what_was_sent_only_grows(catalogue: Catalogue) -> None:
    entry = catalogue.log_egress("h", "m", "answer", 7, ["ab"], "sending", {"MAIL": 2})
    catalogue.log_outcome(entry, "200")
    catalogue.log_outcome(entry, "never happened")
    assert catalogue.egress_log()[0]["outcome"] == "200"
    for statement in ("DELETE FROM egress_log", "UPDATE egress_log SET host = 'x'"):
        with pytest.raises(StoreError, match="append-only"), catalogue.transaction() as db:
            db.execute(statement)
    assert catalogue.egress_log()[0]["documents"] == ["ab"]


@pytest.mark.parametrize("table", ["", "texts"])
def test_a_damaged_file_is_left_alone_and_can_be_rebuilt(tmp_path: Path, table: str) -> None:
    path = tmp_path / "catalogue.sqlite3"
    made = Catalogue(path)
    for number in range(30):
        file_id, _ = add(made, b"/r/%d" % number, f"{number:02d}", "some text " * 50)
    with made.transaction() as db:
        card = cards.read(db, [cards.put_on(db, file_id)])[0]
        cards.write(
            db, replace(card, tags={"tax": ("tax", True)}, note="pay", fields={"review": "2026-01-01"})
        )
    made.close()
    damage(path, table)
    content = path.read_bytes()
    with pytest.raises(StoreError, match="damaged") as caught:
        Catalogue(path)
    assert "rebuild" in caught.value.hint
    assert path.read_bytes() == content
    assert (tmp_path / "catalogue.sqlite3.damaged").read_bytes() == content
    salvage.rebuild(path)
    again = Catalogue(path)
    assert again.counts()["files"] == 0
    if table:
        assert list(again.root_paths().values()) == [b"/r"]
        with again.reader() as db:
            (kept,) = cards.read_all(db)
        assert (kept.file_id, kept.path, kept.hash, kept.note) == (None, b"/r/29", "29", "pay")
        assert (kept.tags, kept.fields) == ({"tax": ("tax", True)}, {"review": "2026-01-01"})
    again.close()


MOUNTS = """\
22 1 0:21 / / rw,relatime shared:1 - ext4 /dev/vda rw
30 22 0:30 / /home rw,relatime - nfs4 server:/home rw
31 30 0:31 / /home/ann/local\\040disk rw - xfs /dev/vdb rw
32 22 0:32 / /mnt/s rw - fuse.sshfs host:/ rw
33 22 0:33 / /mnt/o rw - fuse.fuse-overlayfs overlay rw
34 22 0:34 / /share rw - 9p host rw
"""


@pytest.mark.parametrize(
    ("folder", "kind", "network"),
    [
        ("/var", "ext4", False),
        ("/home/ann", "nfs4", True),
        ("/homes", "ext4", False),
        ("/home/ann/local disk/x", "xfs", False),
        ("/mnt/s/x", "fuse.sshfs", True),
        ("/mnt/o/x", "fuse.fuse-overlayfs", False),
        ("/share", "9p", True),
    ],
)
def test_network_file_systems_are_told_apart(folder: str, kind: str, network: bool) -> None:
    assert file_system(Path(folder), MOUNTS) == kind
    assert is_network(kind) is network


def test_a_network_file_system_is_refused_with_advice() -> None:
    with pytest.raises(LibraryRefusedError, match="nfs4") as caught:
        refuse_network(Path("/home/ann"), MOUNTS)
    assert "--library" in caught.value.hint


def test_a_folder_where_sqlite_cannot_share_memory_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(scratch: Path) -> None:
        scratch.touch()
        raise sqlite3.OperationalError("locking protocol")

    monkeypatch.setattr("indexer.catalogue.connection._share", fail)
    with pytest.raises(LibraryRefusedError, match="locking protocol"):
        Database(tmp_path / "catalogue.sqlite3")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("query", scoping.VECTOR_QUERIES)
def test_vectors_are_looked_up_one_by_one(catalogue: Catalogue, query: str) -> None:
    """Going through all vectors of a model takes seconds once there are many."""
    with catalogue.reader() as db:
        plan = [row[3] for row in db.execute(f"EXPLAIN QUERY PLAN {query}", {"ids": "[]", "model": 1})]
    vectors = next(step for step in plan if step.startswith("SEARCH v "))
    assert "(model_id=? AND key=?)" in vectors or "INTEGER PRIMARY KEY" in vectors, plan
    assert plan[0].startswith("SCAN wanted "), plan
