"""`quire tag`, `note`, `field`, `exclude`, `collection`, `labels` and `stale` as they are printed."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.builders import write
from tui.cli import main

pytestmark = pytest.mark.xdist_group("cli")

ROOMS = ("kitchen", "hall", "attic", "cellar", "garden", "bath", "porch", "stair", "study", "larder")
CLAUSES = [
    f"Clause {n}: the tenant of flat {n} keeps the {room} in good order." for n, room in enumerate(ROOMS)
]
FILES = {
    "lease v1.md": "\n\n".join([*CLAUSES, "The rent of the flat is 800 euros a month."]),
    "lease v2.md": "\n\n".join([*CLAUSES, "The rent of the flat is 950 euros a month."]),
    "note.txt": "The tea is in the tin.",
    "old.txt": "Nobody opened this drawer.",
}

Quire = Callable[..., tuple[int, str, str]]


@pytest.fixture
def quire(
    tmp_path: Path, folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Quire:
    """Runs commands on a library of four documents."""
    write(folder, FILES)
    os.utime(folder / "old.txt", (1_500_000_000, 1_500_000_000))  # 2017-07-14
    (tmp_path / "config.toml").write_text('[embedding]\nprovider = "none"\n', encoding="utf-8")
    monkeypatch.chdir(folder)

    def run(*arguments: str) -> tuple[int, str, str]:
        options = ("--library", str(tmp_path / "library"), "--config", str(tmp_path / "config.toml"))
        code = main([*arguments, *options, "--no-engine"])
        out, err = capsys.readouterr()
        return code, out, err

    assert run("index", ".")[0] == 0
    return run


def as_json(quire: Quire, *arguments: str) -> tuple[int, dict[str, object]]:
    code, out, _ = quire(*arguments, "--json")
    return code, json.loads(out)


def test_tags_are_given_listed_and_taken_away(quire: Quire) -> None:
    assert quire("tag")[0] == 1
    code, _, err = quire("tag", "add", "home/lease, rent", "lease v1.md", "lease v2.md")
    assert (code, err) == (0, "tag home/lease, tag rent on 2 documents\n")
    assert (
        quire("tag", "add", "rent", "--query", "name:lease")[2]
        == "tag rent on 2 documents (it was so before)\n"
    )
    assert quire("tag", "list")[1] == "      2  home/lease\n      2  rent\n"
    assert quire("tag", "list", "lease v1.md")[1] == "lease v1.md  home/lease, rent\n"
    assert "#home/lease  #rent" in quire("search", "tag:home")[1]
    code, details = as_json(quire, "show", "lease v1.md")
    assert details["tags"] == ["home/lease", "rent"]
    assert quire("tag", "remove", "rent", "lease v1.md")[0] == 0
    assert as_json(quire, "tag", "list") == (
        0,
        {
            "tags": [
                {"name": "home/lease", "documents": 2, "by_rule": 0},
                {"name": "rent", "documents": 1, "by_rule": 0},
            ]
        },
    )
    assert quire("labels", "undo")[2] == "Undone: tag rent taken away on 1 document\n"
    code, found = as_json(quire, "tag", "list", "lease v1.md")
    assert found["documents"][0]["tags"][1] == {"name": "rent", "rule": ""}  # type: ignore[index]


def test_a_change_needs_documents_that_are_there(quire: Quire) -> None:
    assert quire("tag", "add", "x")[0] == 2
    code, _, err = quire("tag", "add", "x", "nowhere.txt")
    assert (code, "is not in the library" in err) == (1, True)
    assert quire("tag", "add", "x", "--query", "name:nothing")[0] == 1
    code, _, err = quire("tag", "add", "x=y", "note.txt")
    assert (code, "A tag cannot hold =" in err) == (2, True)


def test_notes_and_fields_show_with_the_document(quire: Quire) -> None:
    assert quire("note", "note.txt")[0] == 1
    assert quire("note", "note.txt", "by \x1b[31mAnna\nsecond line")[0] == 0
    assert quire("note", "note.txt")[1] == "by [31mAnna\nsecond line\n"
    assert quire("field", "note.txt", "review=2020-02-03", "Cost=2.5")[0] == 0
    assert quire("field", "note.txt")[1] == "cost=2.5\nreview=2020-02-03\n"
    assert quire("field")[1] == "cost  number, in 1 documents\nreview  date, in 1 documents\n"
    shown = quire("show", "note.txt")[1]
    assert "note       by [31mAnna\n           second line\n" in shown
    assert "review     2020-02-03\n" in shown
    _code, details = as_json(quire, "show", "note.txt")
    assert (details["note"], details["fields"]) == (
        "by [31mAnna\nsecond line",
        {"cost": "2.5", "review": "2020-02-03"},
    )
    hits = json.loads(quire("search", "note:anna cost:<3", "--json")[1])["hits"]
    assert [Path(hit["path"]).name for hit in hits] == ["note.txt"]
    assert quire("field", "note.txt", "cost=much")[0] == 2
    assert quire("field", "note.txt", "cost=")[0] == 0
    assert quire("note", "note.txt", "--remove")[0] == 0
    assert quire("note", "note.txt")[0] == 1


def test_feedback_on_a_document_goes_with_its_query(quire: Quire) -> None:
    assert quire("feedback", "helped", "--path", "note.txt", "--query", "tea  tin")[0] == 0
    assert quire("feedback", "wrong", "--path", "note.txt", "--query", "coffee")[0] == 0
    assert "feedback   was wrong for coffee\nfeedback   helped with tea tin\n" in quire("show", "note.txt")[1]
    assert quire("feedback", "none", "--path", "note.txt", "--query", "coffee")[0] == 0
    _, details = as_json(quire, "show", "note.txt")
    assert details["verdicts"] == [{"query": "tea tin", "verdict": 1}]
    assert quire("feedback", "helped", "--path", "note.txt")[0] == 2


def test_an_excluded_document_is_not_answered_from_and_the_coverage_says_so(quire: Quire) -> None:
    question = ("ask", "What is the rent of the flat?", "--no-llm", "--json")
    assert "950" in json.loads(quire(*question)[1])["answer"]
    assert quire("exclude", "lease v1.md", "lease v2.md")[2] == "kept out of answers on 2 documents\n"
    answer = json.loads(quire(*question)[1])
    assert "rent" not in answer["answer"]
    unread = {Path(each["path"]).name: each["reason"] for each in answer["coverage"]["unread"]}
    assert unread == dict.fromkeys(("lease v1.md", "lease v2.md"), "It is kept out of answers.")
    assert quire("include", "--query", "is:excluded")[0] == 0
    assert "950" in json.loads(quire(*question)[1])["answer"]


def test_collections_are_kept_shown_and_forgotten(quire: Quire) -> None:
    assert quire("collection")[0] == 1
    assert quire("collection", "save", "My leases", "name:lease", "-name:v1")[0] == 0
    assert quire("collection", "list")[1] == "My leases: name:lease -name:v1\n"
    assert quire("collection", "show", "my leases")[1] == "lease v2.md\n"
    _code, found = as_json(quire, "collection", "show", "my leases")
    assert (found["name"], found["total"]) == ("My leases", 1)
    assert quire("collection", "show", "others")[0] == 1
    assert quire("collection", "remove", "my leases")[0] == 0
    assert quire("collection", "remove", "my leases")[0] == 1


def test_rules_are_numbered_and_say_how_much_they_hold_for(quire: Quire) -> None:
    assert quire("tag", "rules")[0] == 1
    assert (
        quire("tag", "rules", "add", "home", "name:lease")[1] == "  1  home  where  name:lease  (2 files)\n"
    )
    assert quire("tag", "rules", "add", "review=+1y", "type:text")[0] == 0
    assert quire("tag", "list", "lease v1.md")[1] == "lease v1.md  (home)\n"
    assert quire("tag", "rules", "remove", "1")[0] == 0
    assert quire("tag", "rules")[1] == "  2  review=+1y  where  type:text  (4 files)\n"
    assert quire("tag", "rules", "add", "x", "tag:home")[0] == 2


def test_what_is_stale_is_listed_by_kind(quire: Quire) -> None:
    quire("field", "note.txt", "review=2020-02-03")
    code, out, _ = quire("stale", "--since", "2020")
    assert code == 0
    assert "1 contradict their newer version" in out
    assert "lease v1.md  says 800 euros, the newer version 950 euros: The rent of the flat is" in out
    assert "newer: lease v2.md" in out
    assert "2020-02-03  note.txt  review due for" in out
    assert "2017-07-14  old.txt  not changed for" in out
    code, found = as_json(quire, "stale")
    assert found["totals"] == {"untouched": 1, "review": 1, "contradicted": 1}
    assert quire("stale", "--since", "tomorrow")[0] == 2


def test_labels_go_to_a_file_and_come_back(quire: Quire, tmp_path: Path) -> None:
    quire("tag", "add", "tea", "note.txt")
    quire("note", "old.txt", "open it")
    target = tmp_path / "labels.jsonl"
    assert quire("labels", "export", str(target))[2] == f"Labels of 2 files written to {target}.\n"
    text = target.read_text(encoding="utf-8")
    assert quire("labels", "export", "-")[1] == text
    gone = json.dumps({"path": "/gone/\u202efile.txt", "note": "wait"})
    target.write_text(f"{text}{gone}\n", encoding="utf-8")
    code, out, err = quire("labels", "import", str(target))
    assert (code, out) == (0, "waits   /gone/file.txt\n")
    assert "2 files matched, 1 changed" in err
    code, found = as_json(quire, "labels", "import", str(target))
    assert (found["changed"], found["documents"]) == (0, 2)
    target.write_bytes(b"\xff\xfe")
    assert quire("labels", "import", str(target))[0] == 2
    assert quire("labels", "import", str(tmp_path / "none"))[0] == 2
