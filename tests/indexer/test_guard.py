"""Remote embedding keeps to the policy, at a server on loopback that counts as remote."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from indexer.config import Config
from indexer.library import Library
from indexer.types import SearchRequest
from tests.copilot.conftest import ModelServer, start_server, stop_server


@pytest.fixture
def server() -> Iterator[ModelServer]:
    process, running = start_server()
    yield running
    stop_server(process)


def config(server: ModelServer, provider: str, **privacy: object) -> Config:
    url = f"{server.url}/v1" if provider == "openai" else server.url
    return Config.model_validate(
        {
            "embedding": {"provider": provider, "model": "embeds", "base_url": url},
            "privacy": {
                "allow_remote": True,
                "tunnels": [server.url.removeprefix("http://")],
                **privacy,
            },
        }
    )


def write(folder: Path) -> None:
    for name in ("never", "plain", "ask"):
        (folder / name).mkdir(parents=True)
        (folder / name / "ferry.txt").write_text(
            f"The {name} ferry sails at nine. Its captain is {name}@ferry.example.\n"
        )
    (folder / "never/.quire-policy").write_text("never")
    (folder / "plain/copy.txt").write_bytes((folder / "never/ferry.txt").read_bytes())
    (folder / "ask/.quire-policy").write_text("ask")


def opened(place: Path, settings: Config) -> Library:
    ready = threading.Event()
    library = Library.open(place, settings, watch=False, on_ready=ready.set)
    assert ready.wait(60)
    return library


@pytest.mark.parametrize("provider", ["openai", "ollama"])
def test_a_remote_embedder_gets_nothing_withheld_and_no_secret(
    tmp_path: Path, server: ModelServer, provider: str
) -> None:
    write(tmp_path / "docs")
    with opened(tmp_path / "library", config(server, provider)) as library:
        for _ in library.sync([str(tmp_path / "docs")]):
            pass
        captured = "\n".join(entry.get("raw", "") for entry in server.log())
        assert "The plain ferry" in captured
        assert "⟦MAIL-1⟧" in captured or "\\u27e6MAIL-1" in captured
        for kept in ("ferry.example", "never ferry", "ask ferry"):
            assert kept not in captured
        assert library.status().pending_embed == 0
        found = library.search(SearchRequest(query="never ferry captain")).hits
        assert any(path.endswith("never/ferry.txt") for hit in found for path in hit.paths)  # by keyword
        embedded = [
            row for row in library.catalogue.egress_log() if row["purpose"] == "embedding" and row["redacted"]
        ]
        assert embedded[0]["redacted"] == {"MAIL": 1}
        assert embedded[0]["outcome"] == "200"
        assert embedded[0]["documents"] == [library.details(f"{tmp_path}/docs/plain/ferry.txt").document]
        searched = [row for row in library.catalogue.egress_log() if row["purpose"] == "search"]
        assert len(searched) == 1


def test_sentences_are_embedded_elsewhere_only_of_documents_that_may_go(
    tmp_path: Path, server: ModelServer
) -> None:
    write(tmp_path / "docs")
    with opened(tmp_path / "library", config(server, "openai")) as library:
        for _ in library.sync([str(tmp_path / "docs")]):
            pass
        before = len(server.log())
        never = library.details(f"{tmp_path}/docs/never/ferry.txt").document
        plain = library.details(f"{tmp_path}/docs/plain/ferry.txt").document
        assert not library.embeds_here
        assert library.embed_passages(["some text"]) is None  # nobody said whose it is
        assert library.embed_passages(["some text"], [plain, never]) is None
        assert len(server.log()) == before
        assert library.embed_passages(["call 020 7946 0958"], [plain]) is not None
        assert "7946" not in server.log()[-1]["raw"]
        assert library.catalogue.egress_log()[0]["documents"] == [plain]


def test_a_folder_that_is_opened_later_is_embedded_then(tmp_path: Path, server: ModelServer) -> None:
    write(tmp_path / "docs")
    settings = config(server, "openai")
    with opened(tmp_path / "library", settings) as library:
        for _ in library.sync([str(tmp_path / "docs")]):
            pass
    (tmp_path / "docs/ask/.quire-policy").unlink()
    with opened(tmp_path / "library", settings) as library:
        for _ in library.sync():
            pass
        assert "The ask ferry" in "\n".join(entry.get("raw", "") for entry in server.log())


def test_a_local_embedder_gets_everything(tmp_path: Path, server: ModelServer) -> None:
    write(tmp_path / "docs")
    with opened(tmp_path / "library", config(server, "openai", tunnels=[], allow_remote=False)) as library:
        for _ in library.sync([str(tmp_path / "docs")]):
            pass
        assert library.embeds_here
        assert "never@ferry.example" in "\n".join(entry.get("raw", "") for entry in server.log())
        assert library.catalogue.egress_log() == []
