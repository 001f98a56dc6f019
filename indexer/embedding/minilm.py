"""Sentence encoders of BERT's shape in this process, through ONNX Runtime.

Owns the session, the tokenizer and the batches. all-MiniLM-L6-v2 is the default; multilingual-e5-small
runs through the same code with its prefixes.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from indexer.config import EmbeddingConfig
from indexer.embedding import models, quantise
from indexer.embedding.graph import INPUTS, Weights, bert_graph, read_weights
from indexer.errors import ModelMissingError

Vectors = NDArray[np.float32]

BATCH_TOKENS = 1024
"""Tokens of one run, padding included. More is not faster (the activations leave the processor's cache)
and makes a query wait longer behind it."""
_SLICE = 512


class BertEmbedder:
    """Texts to unit vectors. Safe to call from several threads; a query goes before waiting passages."""

    def __init__(
        self,
        weights: Weights,
        tokenizer: Path,
        *,
        name: str,
        fingerprint: str,
        languages: frozenset[str] | None,
        max_tokens: int,
        threads: int,
        heads: int = 0,
        query_prefix: str = "",
        passage_prefix: str = "",
    ) -> None:
        """Load the model.

        Args:
            weights: Plain or quantised weights.
            tokenizer: A tokenizer.json.
            name: Name for people.
            fingerprint: Identifies everything that changes the vectors.
            languages: ISO 639-1 codes the model knows; None means all.
            max_tokens: Tokens of a text that are read, special ones included.
            threads: Threads of one run; 0 takes the processor cores this process may use.
            heads: Attention heads; 0 means one for each 32 dimensions.
            query_prefix: Put before a query.
            passage_prefix: Put before a passage.

        Raises:
            ModelMissingError: the files do not fit together.
        """
        self.name = name
        self.fingerprint = fingerprint
        self.languages = languages
        self.dimensions = weights.dimensions
        self._prefixes = (query_prefix, passage_prefix)
        try:
            self._tokenizer = _load_tokenizer(tokenizer, min(max_tokens, weights.positions))
            self._session = _load_session(weights, heads or weights.dimensions // 32, threads)
        except Exception as exc:  # both libraries raise bare exceptions of their own
            raise ModelMissingError(f"The model {name} cannot be loaded: {exc}.", hint=models.REMEDY) from exc
        self._queries = 0
        self._calm = threading.Condition()

    def embed_passages(self, texts: Sequence[str]) -> Vectors:
        """Embed texts to be found; (n, dimensions) float32 unit rows in the order given."""
        out = np.empty((len(texts), self.dimensions), np.float32)
        for rows, ids in self._batches(texts):
            with self._calm:
                self._calm.wait_for(lambda: self._queries == 0)
            out[rows] = self._run(ids)
        return out

    def embed_query(self, text: str) -> Vectors:
        """Embed a question; (dimensions,) float32, of length 1."""
        with self._calm:
            self._queries += 1
        try:
            return np.asarray(self._run(self._encode([self._prefixes[0] + text]))[0])
        finally:
            with self._calm:
                self._queries -= 1
                self._calm.notify_all()

    def _encode(self, texts: Sequence[str]) -> list[list[int]]:
        clean = [text.encode("utf-8", "replace").decode("utf-8") for text in texts]
        return [encoding.ids for encoding in self._tokenizer.encode_batch(clean)]

    def _batches(self, texts: Sequence[str]) -> Iterator[tuple[list[int], list[list[int]]]]:
        """Texts of similar length together, as (positions, token ids), so that little is padding."""
        prefix = self._prefixes[1]
        for first in range(0, len(texts), _SLICE):
            encoded = self._encode([prefix + text for text in texts[first : first + _SLICE]])
            batch: list[int] = []
            for row in sorted(range(len(encoded)), key=lambda r: len(encoded[r])):
                if batch and (len(batch) + 1) * len(encoded[row]) > BATCH_TOKENS:
                    yield [first + r for r in batch], [encoded[r] for r in batch]
                    batch = []
                batch.append(row)
            if batch:
                yield [first + r for r in batch], [encoded[r] for r in batch]

    def _run(self, ids: list[list[int]]) -> Vectors:
        length = max(map(len, ids))
        tokens = np.zeros((len(ids), length), np.int64)
        mask = np.zeros((len(ids), length), np.int64)
        for row, values in enumerate(ids):
            tokens[row, : len(values)] = values
            mask[row, : len(values)] = 1
        (vectors,) = self._session.run(None, dict(zip(INPUTS, (tokens, mask), strict=True)))
        return np.asarray(vectors, np.float32)


def load_minilm(
    config: EmbeddingConfig, *, cache: Path, progress: models.Progress | None = None
) -> BertEmbedder:
    """The built-in model: English, 384 dimensions, 256 tokens.

    Raises:
        ModelMissingError: it is not there.
    """
    files = models.find_minilm(config, cache, progress)
    return _load(files, config, cache, name=models.MINILM, languages=frozenset({"en"}), max_tokens=256)


def load_e5(config: EmbeddingConfig, *, cache: Path) -> BertEmbedder:
    """multilingual-e5-small (or a model of its shape and prefixes) from the configured folder.

    Raises:
        ModelMissingError: it is not there.
    """
    name = "multilingual-e5-small"
    files = models.find_folder(config.path, name)
    return _load(
        files, config, cache, name=name, languages=None, max_tokens=512, prefixes=("query: ", "passage: ")
    )


def _load(
    files: models.ModelFiles,
    config: EmbeddingConfig,
    cache: Path,
    *,
    name: str,
    languages: frozenset[str] | None,
    max_tokens: int,
    prefixes: tuple[str, str] = ("", ""),
) -> BertEmbedder:
    weights = read_weights(files.weights)
    precision = "float32"
    if config.precision == "int8":
        weights = quantise.quantised(weights, files.weights_hash, cache)
        precision = f"int8-v{quantise.VERSION}"
    return BertEmbedder(
        weights,
        files.tokenizer,
        name=name,
        fingerprint=f"{name}:{files.weights_hash[:16]}:{precision}:mean:{max_tokens}:{'|'.join(prefixes)}",
        languages=languages,
        max_tokens=max_tokens,
        threads=config.threads,
        heads=files.heads,
        query_prefix=prefixes[0],
        passage_prefix=prefixes[1],
    )


def _load_tokenizer(path: Path, max_tokens: int) -> Any:
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(path))
    tokenizer.enable_truncation(max_tokens)
    tokenizer.no_padding()
    return tokenizer


def _load_session(weights: Weights, heads: int, threads: int) -> Any:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads or len(os.sched_getaffinity(0))
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    # A thread that spins between batches takes the core the interface and the parsers need.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.add_session_config_entry(
        "session.model_external_initializers_file_folder_path", str(weights.path.parent)
    )
    return onnxruntime.InferenceSession(
        bert_graph(weights, heads), options, providers=["CPUExecutionProvider"]
    )
