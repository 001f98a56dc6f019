"""Texts to vectors. One file for each kind of model; `load` picks by configuration.

To add one: write a class with the attributes and methods of `Embedder`, add a line to `load`, and let the
conformance tests in tests/indexer/embedding run over it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from indexer.config import EmbeddingConfig
from indexer.errors import ModelMissingError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class Embedder(Protocol):
    """What the rest of the program knows of an embedding model. Safe to call from several threads."""

    name: str
    """For people."""
    fingerprint: str
    """Vectors of two embedders may be compared only when this is equal."""
    dimensions: int
    languages: frozenset[str] | None
    """ISO 639-1 codes of the languages the model knows; None means all."""
    related: float
    """Cosine from which on a text has to do with a question; -1 when that is not known of the model."""
    nearby: float
    """Cosine from which on a text is near a question of a word or two, of which models know least."""

    def embed_passages(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Embed texts to be found; (n, dimensions), rows of length 1, in the order given."""

    def embed_query(self, text: str) -> NDArray[np.float32]:
        """Embed a question; (dimensions,), of length 1. Goes before passages that wait."""


def load(
    config: EmbeddingConfig,
    *,
    cache: Path,
    allow_remote: bool,
    tunnels: Sequence[str] = (),
    progress: Callable[[int, int], None] | None = None,
) -> Embedder:
    """Load the configured model. Takes up to a second; call it in a background thread.

    Args:
        config: The section [embedding].
        cache: The library's folder for models.
        allow_remote: The owner's policy, `[privacy] allow_remote`.
        tunnels: Addresses of this machine that count as remote, `[privacy] tunnels`.
        progress: Told (bytes received, bytes in all) when the built-in model is downloaded.

    Raises:
        ModelMissingError: the model is not there; the hint says how to get it.
        EgressRefusedError: the endpoint is on another machine and the policy forbids that.
        ProviderError: the endpoint does not answer.
        ConfigError: the endpoint's settings are incomplete.
    """
    if config.provider == "none":
        raise ModelMissingError(
            "Search by meaning is switched off.", hint='Set provider = "auto" under [embedding] to use it.'
        )
    if config.provider in ("openai", "ollama"):
        from indexer.embedding import remote

        return remote.load(config, allow_remote=allow_remote, tunnels=tunnels)
    from indexer.embedding import minilm

    if config.provider == "e5":
        return minilm.load_multilingual(config, cache=cache, english=False)
    if config.provider in ("auto", "both") and not config.path:
        try:
            return minilm.load_multilingual(config, cache=cache, english=True)
        except ModelMissingError:
            if config.provider == "both":
                raise
    return minilm.load_minilm(config, cache=cache, progress=progress)
