"""Labels of a library: what they find, what rules and suggestions add, what survives."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from indexer import labelfile, naming
from indexer.errors import NotFoundError, UsageError
from indexer.labelled import LabelChange, Labelled
from indexer.library import Library
from indexer.rebuilding import rebuild
from indexer.suggesting import vote
from indexer.types import SearchRequest
from tests.builders import HashEmbedder, settings, write

Open = Callable[..., Library]

FILES = {
    "invoices/march.txt": "Invoice for the repair of the roof, 400 euros.",
    "invoices/april.txt": "Invoice for the repair of the door, 80 euros.",
    "invoices/copy of april.txt": "Invoice for the repair of the door, 80 euros.",
    "letters/anna.txt": "Dear Anna, the summer was long and the sea was warm.",
    "letters/empty.txt": "",
}


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[Open]:
    """Opens the library of this test; closed in the end."""
    made: list[Library] = []

    def make(name: str = "library") -> Library:
        for library in made:
            library.close()
        made.append(Library.open(tmp_path / name, settings(), watch=False, load_embedder=HashEmbedder))
        return made[-1]

    yield make
    for library in made:
        library.close()


@pytest.fixture
def library(opened: Open, folder: Path) -> Library:
    write(folder, FILES)
    made = opened()
    sync(made, folder)
    return made


def sync(library: Library, *paths: Path) -> None:
    list(library.sync([str(path) for path in paths]))


def change(library: Library, *targets: Path | str, **labels: object) -> Labelled:
    return library.labels.change(LabelChange(targets=tuple(map(str, targets)), **labels))  # type: ignore[arg-type]


def found(library: Library, query: str) -> list[str]:
    """Names of the files a query means, by name."""
    return sorted(Path(row.path).name for row in library.files(query=query).rows)


def tags(library: Library, path: Path) -> list[str]:
    return [tag.name for tag in library.labels.labels(str(path)).tags]


# --- by hand -------------------------------------------------------------------------------------


def test_a_tag_counts_for_every_copy_and_finds_what_is_below_it(library: Library, folder: Path) -> None:
    done = change(library, folder / "invoices/april.txt", add=("Project/Alpha",))
    assert (done.documents, done.changed) == (1, 2)
    change(library, folder / "letters", add=("project",))
    assert found(library, "tag:project/alpha") == ["april.txt", "copy of april.txt"]
    assert found(library, "tag:PROJECT") == ["anna.txt", "april.txt", "copy of april.txt", "empty.txt"]
    assert found(library, "tag:proj") == []
    assert found(library, "tag:proj*") == found(library, "tag:") == found(library, "is:tagged")
    assert found(library, "is:untagged") == found(library, "-tag:") == ["march.txt"]
    hit = library.search(SearchRequest(query="door", mode="keyword")).hits[0]
    assert hit.tags == ("Project/Alpha",)
    assert library.details(str(folder / "letters/anna.txt")).tags == ("project",)


def test_the_first_spelling_of_a_tag_stays(library: Library, folder: Path) -> None:
    change(library, folder / "letters/anna.txt", add=("Été/Nice",))
    change(library, folder / "invoices/march.txt", add=("ete/NICE",))
    assert tags(library, folder / "invoices/march.txt") == ["Été/Nice"]
    assert [count.documents for count in library.labels.labelling().tags] == [2]


def test_empty_files_are_not_copies_of_each_other(library: Library, folder: Path) -> None:
    write(folder, {"letters/blank.txt": ""})
    sync(library)
    change(library, folder / "letters/empty.txt", add=("todo",))
    assert found(library, "tag:todo") == ["empty.txt"]


def test_notes_and_fields_are_found_by_word_date_and_range(library: Library, folder: Path) -> None:
    march, april = folder / "invoices/march.txt", folder / "invoices/april.txt"
    change(
        library, march, note="Ask Héloïse\nabout the gutter", fields={"review": "2026-05-01", "cost": "400"}
    )
    change(library, april, fields={"cost": "80.5", "Client": "Müller und Söhne"})
    assert found(library, "note:heloise") == found(library, "note:*") == ["march.txt"]
    assert found(library, "review:<2026-06") == found(library, "field.review:2026-05") == ["march.txt"]
    assert found(library, "review:>2026-05-01") == []
    assert found(library, "cost:>80") == ["april.txt", "copy of april.txt", "march.txt"]
    assert found(library, "cost:80.5..399") == ["april.txt", "copy of april.txt"]
    assert found(library, "client:muller") == ["april.txt", "copy of april.txt"]
    result = library.search(SearchRequest(query="cost:lots door", mode="keyword"))
    assert any("is no number" in note for note in result.notes)
    assert "no field nope:" in library.search(SearchRequest(query="field.nope:1")).notes
    assert found(library, "field.nope:1") == []
    with pytest.raises(UsageError, match="takes a number"):
        change(library, march, fields={"cost": "dear"})
    with pytest.raises(UsageError, match="already"):
        change(library, march, fields={"title": "x"})


def test_excluded_documents_are_found_but_not_answered_from(library: Library, folder: Path) -> None:
    change(library, folder / "invoices", excluded=True)
    assert found(library, "is:excluded") == ["april.txt", "copy of april.txt", "march.txt"]
    change(
        library, "sha256:" + library.details(str(folder / "invoices/march.txt")).document[7:], excluded=False
    )
    assert found(library, "is:excluded") == ["april.txt", "copy of april.txt"]


def test_changes_are_undone_one_after_the_other(library: Library, folder: Path) -> None:
    anna = folder / "letters/anna.txt"
    change(library, anna, add=("one",), note="first")
    change(library, anna, verdict=1, asked="the  sea")
    change(library, anna, remove=("one",), note="", excluded=True)
    labels = library.labels.labels(str(anna))
    assert (labels.tags, labels.refused, labels.note, labels.excluded) == ((), ("one",), "", True)
    assert library.labels.undo() == "tag one taken away, note taken away, kept out of answers on 1 document"
    labels = library.labels.labels(str(anna))
    assert ([tag.name for tag in labels.tags], labels.note, labels.excluded) == (["one"], "first", False)
    assert [(each.query, each.verdict) for each in labels.verdicts] == [("the sea", 1)]
    library.labels.undo()
    library.labels.undo()
    labels = library.labels.labels(str(anna))
    assert (labels.tags, labels.note, labels.verdicts) == ((), "", ())
    with pytest.raises(NotFoundError, match="nothing to undo"):
        library.labels.undo()


def test_what_is_not_in_the_library_cannot_be_labelled(library: Library, folder: Path) -> None:
    with pytest.raises(NotFoundError, match="not in the library"):
        change(library, folder / "letters/anna.txt", folder / "nowhere.txt", add=("x",))
    assert found(library, "tag:x") == []
    with pytest.raises(UsageError, match="Name documents"):
        library.labels.change(LabelChange(add=("x",)))


@given(st.text(max_size=40))
@hypothesis_settings(deadline=None)
def test_a_clean_tag_stays_as_it_is(text: str) -> None:
    try:
        tag = naming.clean_tag(text)
    except UsageError:
        return
    assert naming.clean_tag(tag) == tag
    assert tag == tag.strip("/")
    assert "//" not in tag


def test_members_of_containers_begin_with_the_tags_of_the_container(library: Library, folder: Path) -> None:
    import zipfile

    with zipfile.ZipFile(folder / "pack.zip", "w") as pack:
        pack.writestr("one.txt", "The first member speaks of boats.")
    sync(library)
    change(library, folder / "pack.zip", add=("boats",), excluded=True, note="the pack")
    assert tags(library, folder / "pack.zip!/one.txt") == ["boats"]
    with zipfile.ZipFile(folder / "pack.zip", "a") as pack:
        pack.writestr("two.txt", "The second member speaks of oars.")
    sync(library)
    two = library.labels.labels(str(folder / "pack.zip!/two.txt"))
    assert ([tag.name for tag in two.tags], two.excluded, two.note) == (["boats"], True, "")


# --- collections ---------------------------------------------------------------------------------


def test_collections_are_searches_by_name(library: Library, folder: Path) -> None:
    library.labels.save_collection("Repairs", "repair path:invoices")
    library.labels.save_collection("dear", 'collection:repairs -name:"copy of april"')
    assert found(library, "collection:repairs") == ["april.txt", "copy of april.txt", "march.txt"]
    assert found(library, "collection:DEAR -door") == ["march.txt"]
    assert found(library, "-collection:repairs") == ["anna.txt", "empty.txt"]
    result = library.search(SearchRequest(query="roof", scope="collection:repairs", mode="keyword"))
    assert (result.in_scope, [Path(hit.path).name for hit in result.hits]) == (2, ["march.txt"])
    assert found(library, "collection:nothing") == []
    result = library.search(SearchRequest(query="roof", scope="collection:nothing"))
    assert 'no collection "nothing"' in result.notes
    assert not result.hits
    with pytest.raises(UsageError, match="cannot hold itself"):
        library.labels.save_collection("repairs", "x OR collection:dear")
    library.labels.remove_collection("REPAIRS")
    assert [each.name for each in library.labels.labelling().collections] == ["dear"]


# --- rules ---------------------------------------------------------------------------------------


def test_a_rule_holds_while_its_query_does(library: Library, folder: Path) -> None:
    rule = library.labels.save_rule("path:invoices roof", "money/roof")
    march, april = folder / "invoices/march.txt", folder / "invoices/april.txt"
    assert [(tag.name, tag.rule) for tag in library.labels.labels(str(march)).tags] == [
        ("money/roof", "path:invoices roof")
    ]
    assert rule.files == 1
    assert tags(library, april) == []
    april.write_text("Invoice for the roof of the barn.")
    march.write_text("Invoice for the gate.")
    sync(library)
    assert (tags(library, april), tags(library, march)) == (["money/roof"], [])
    april.rename(folder / "letters/april.txt")
    sync(library)
    assert tags(library, folder / "letters/april.txt") == []


def test_what_is_given_by_hand_outlives_the_rule_and_what_is_taken_away_stays_away(
    library: Library, folder: Path
) -> None:
    march, april = folder / "invoices/march.txt", folder / "invoices/april.txt"
    change(library, march, add=("money",))
    rule = library.labels.save_rule("path:invoices", "Money")
    change(library, april, remove=("money",))
    assert (tags(library, march), tags(library, april)) == (["money"], [])
    march.write_text("Invoice for the gate.")
    april.write_text("Invoice for the fence.")
    sync(library)
    library.labels.save_rule("type:text", "money")
    assert tags(library, april) == []
    assert library.labels.labels(str(april)).refused == ("money",)
    assert tags(library, folder / "letters/anna.txt") == ["money"]
    for each in library.labels.labelling().rules:
        library.labels.remove_rule(each.id)
    assert (tags(library, march), tags(library, folder / "letters/anna.txt")) == (["money"], [])
    with pytest.raises(NotFoundError, match="no rule"):
        library.labels.remove_rule(rule.id)


def test_a_rule_gives_a_review_date_after_the_last_change(library: Library, folder: Path) -> None:
    march = folder / "invoices/march.txt"
    os.utime(march, (1_700_000_000, 1_700_000_000))  # 2023-11-14
    sync(library)
    library.labels.save_rule("path:invoices", "review=+1y")
    labels = library.labels.labels(str(march))
    assert (labels.fields, labels.ruled_fields) == ({"review": "2024-11-14"}, ("review",))
    assert found(library, "review:2024") == ["march.txt"]
    change(library, march, fields={"review": "2031-01-01"})
    assert library.labels.labels(str(march)).fields == {"review": "2031-01-01"}


@pytest.mark.parametrize("query", ["tag:x", "is:tagged", "a OR -is:untagged", "collection:c", ""])
def test_rules_do_not_build_on_tags(library: Library, query: str) -> None:
    with pytest.raises(UsageError):
        library.labels.save_rule(query, "y")


# --- suggestions ---------------------------------------------------------------------------------


def test_the_nearest_tagged_documents_suggest_their_tags(library: Library, folder: Path) -> None:
    write(
        folder,
        {f"more/{n}.txt": f"Invoice number {n} for the repair of the window, euros." for n in range(6)},
    )
    write(folder, {f"sea/{n}.txt": f"The sea was warm and the summer {n} was long." for n in range(6)})
    sync(library)
    change(library, folder / "more", add=("money",))
    change(library, folder / "sea", add=("holiday/sea",))
    suggested = library.labels.suggest([str(folder / "invoices"), str(folder / "letters")])
    best = {Path(each.path).name: each.tag for each in reversed(suggested)}
    assert (best["march.txt"], best["anna.txt"]) == ("money", "holiday/sea")
    anna = next(each for each in suggested if each.path.endswith("anna.txt"))
    assert 0.6 <= anna.confidence <= 1
    assert all("/sea/" in path for path in anna.because)
    change(library, folder / "letters/anna.txt", refuse=("Holiday/Sea",))
    assert library.labels.suggest([str(folder / "letters/anna.txt")]) == ()
    change(library, folder / "invoices/march.txt", add=("money/2025",))
    assert library.labels.suggest([str(folder / "invoices/march.txt")]) == ()
    assert {Path(each.path).name for each in library.labels.suggest()} == {"april.txt"}


@given(
    st.lists(
        st.tuples(
            st.floats(-1, 1, width=32),
            st.lists(st.sampled_from(["a", "b", "A", "c/d"]), max_size=2, unique=True),
        ),
        max_size=30,
    )
)
@hypothesis_settings(deadline=None)
def test_a_confidence_is_a_share_and_only_tagged_neighbours_have_a_say(
    documents: list[tuple[float, list[str]]],
) -> None:
    nearness = np.array([each[0] for each in documents], dtype=np.float32)
    votes = vote(nearness, [each[1] for each in documents])
    for tag, (confidence, voters) in votes.items():
        assert 0 < confidence <= 1.000001
        assert all(tag.lower() in [name.lower() for name in documents[at][1]] for at in voters)
        assert sorted(nearness[voters], reverse=True) == list(nearness[voters])
    doubted = vote(np.append(nearness, np.float32(1)), [*(each[1] for each in documents), []])
    assert all(doubted[tag][0] <= votes[tag][0] + 1e-6 for tag in doubted if tag in votes)


# --- the plain file ------------------------------------------------------------------------------


def labelled(library: Library, folder: Path) -> None:
    """Something of everything."""
    change(library, folder / "invoices/march.txt", add=("Projekt/Übung", "b"), note="two\nlines")
    change(library, folder / "invoices/april.txt", fields={"review": "2026-05-01", "client": "ann"})
    change(library, folder / "letters/anna.txt", excluded=True, refuse=("tax",), verdict=-1, asked="the sea")
    library.labels.save_collection("Mine", "tag:b OR client:ann")
    library.labels.save_rule("path:letters", "post")


def everything(library: Library, folder: Path) -> list[object]:
    """All labels of all files, without where they are."""
    paths = sorted(row.path for row in library.files().rows)
    return [
        (Path(each.path).name, each.tags, each.refused, each.note, each.fields, each.excluded, each.verdicts)
        for each in map(library.labels.labels, paths)
    ]


@pytest.mark.parametrize("first", ["import", "index"])
def test_labels_survive_the_loss_of_the_library(
    opened: Open, library: Library, folder: Path, tmp_path: Path, first: str
) -> None:
    labelled(library, folder)
    before, text = everything(library, folder), library.labels.export()
    library.close()
    shutil.rmtree(tmp_path / "library")
    again = opened()
    if first == "index":
        sync(again, folder)
    imported = again.labels.take_in(text)
    assert len(imported.waiting) == (4 if first == "import" else 0)
    sync(again, folder)
    assert everything(again, folder) == before
    assert again.labels.export() == text
    assert again.labels.take_in(text).changed == 0


def test_labels_survive_a_rebuild(opened: Open, library: Library, folder: Path, tmp_path: Path) -> None:
    labelled(library, folder)
    before, text = everything(library, folder), library.labels.export()
    library.close()
    assert "tags" in rebuild(tmp_path / "library")
    again = opened()
    sync(again)
    assert everything(again, folder) == before
    assert again.labels.export() == text


def test_a_file_is_found_again_by_content_then_by_path(opened: Open, library: Library, folder: Path) -> None:
    labelled(library, folder)
    text = library.labels.export()
    (folder / "invoices/march.txt").rename(folder / "letters/moved.txt")
    (folder / "letters/anna.txt").write_text("Dear Anna, this is quite another letter.")
    (folder / "invoices/april.txt").unlink()
    (folder / "invoices/copy of april.txt").unlink()
    again = opened("other")
    sync(again, folder)
    imported = again.labels.take_in(text)
    assert sorted(Path(path).name for path in imported.waiting) == ["april.txt", "copy of april.txt"]
    assert again.labels.labels(str(folder / "letters/moved.txt")).note == "two\nlines"
    assert again.labels.labels(str(folder / "letters/anna.txt")).excluded
    (folder / "back.txt").write_text(FILES["invoices/april.txt"])
    sync(again)
    assert again.labels.labels(str(folder / "back.txt")).fields == {"client": "ann", "review": "2026-05-01"}


def test_what_the_library_says_otherwise_stays(opened: Open, library: Library, folder: Path) -> None:
    labelled(library, folder)
    text = library.labels.export()
    march, april = folder / "invoices/march.txt", folder / "invoices/april.txt"
    change(library, march, note="another", remove=("b",))
    change(library, april, fields={"client": "bea"})
    library.labels.save_collection("mine", "type:pdf")
    imported = library.labels.take_in(text)
    assert [what.split(" of ")[0] for what in imported.kept] == [
        "collection Mine",
        "client",
        "client",
        "tag b",
    ]
    labels = library.labels.labels(str(march))
    assert (labels.note, labels.refused) == ("another\n\ntwo\nlines", ("b",))
    assert library.labels.labels(str(april)).fields["client"] == "bea"
    library.labels.undo()
    assert library.labels.labels(str(march)).note == "another"


def test_a_path_that_is_not_utf8_is_kept(library: Library, folder: Path) -> None:
    odd = os.fsencode(folder) + b"/caf\xe9.txt"
    Path(os.fsdecode(odd)).write_text("A name of another time.")
    sync(library)
    change(library, os.fsdecode(odd), add=("odd",))
    text = library.labels.export()
    text.encode("utf-8")
    assert json.loads(text.splitlines()[-1])["path"] == os.fsdecode(odd)
    assert library.labels.take_in(text).changed == 0


HEAD = '{"quire-labels": 1}\n'


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "empty"),
        ("tags: x", "Line 1"),
        ('{"quire-labels": 2}', "newer"),
        (HEAD + '{"path": 3}', "Line 2"),
        (HEAD + '{"path": "/a", "document": "sha256:zz"}', "64 digits"),
        (HEAD + '{"path": "/a", "tags": "x"}', "tags"),
        (HEAD + '{"path": "/a", "tags": ["a*"]}', "cannot hold"),
        (HEAD + '{"path": "/a\\u0000b"}', "path"),
        (HEAD + '{"path": "/a", "fields": {"title": "x"}}', "already"),
        (HEAD + "[" * 100_000, "Line 2"),
        (HEAD + '{"what": 1}', "neither"),
    ],
)
def test_a_text_that_is_no_export_is_refused_with_its_line(library: Library, text: str, says: str) -> None:
    before = library.labels.export()
    with pytest.raises(UsageError, match=says):
        library.labels.take_in(text)
    assert library.labels.export() == before


@given(st.text(max_size=200))
@hypothesis_settings(deadline=None, max_examples=50)
def test_any_text_is_read_or_refused(text: str) -> None:
    for whole in (text, HEAD + text):
        try:
            labelfile.parse(whole)
        except UsageError:
            continue
