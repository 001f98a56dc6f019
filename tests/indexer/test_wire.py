import json

import pytest

from copilot.types import Answer, Citation, Claim, Coverage
from indexer.types import FileList, FileRow, Hit, SearchResult, UnreadFile
from indexer.wire import from_wire, to_wire

HIT = Hit(
    rank=1, score=0.5, path="/a", paths=("/a", "/b"), title="t", document="sha256:00", chunk=3, page=None,
    heading="h", start=0, end=4, snippet="text", highlights=((0, 2),), matched_by=("keyword",),
    scores={"keyword": 1.0}, ranks={"keyword": 1}, kind="text", format="text", language="en", pages=0,
    size_bytes=4, mtime_ns=1,
)  # fmt: skip


def test_values_survive_the_wire() -> None:
    result = SearchResult(
        query="q",
        mode="keyword",
        took_ms=1.5,
        total=1,
        in_scope=1,
        documents=1,
        hits=(HIT,),
        spans=((0, 1, "word"),),
    )
    assert from_wire(SearchResult, json.loads(json.dumps(to_wire(result)))) == result


def test_nested_and_optional_values_survive() -> None:
    citation = Citation(n=1, path="/a", title="", document="sha256:00", page=2, start=0, end=1, quote="x")
    answer = Answer(
        question="q", status="answered", answer="x", generator="extractive", took_ms=1.0,
        claims=(Claim(text="x", verdict="supported", citations=(1,)),), citations=(citation,),
        coverage=Coverage(in_scope=1, read=1, unread=(UnreadFile(path="/b", reason="scan"),)),
    )  # fmt: skip
    assert from_wire(Answer, json.loads(json.dumps(to_wire(answer)))) == answer


def test_unknown_keys_are_ignored_and_missing_ones_are_not() -> None:
    data = to_wire(FileList(rows=(), total=0, offset=0, groups={"all": 0}))
    assert from_wire(FileList, {**data, "later": 1}).groups == {"all": 0}
    with pytest.raises(TypeError):
        from_wire(FileRow, {"path": "/a"})


def test_foreign_values_do_not_cross() -> None:
    with pytest.raises(TypeError, match="does not cross"):
        to_wire({"a": object()})
