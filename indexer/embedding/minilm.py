"""Sentence encoders of BERT's shape in this process, through ONNX Runtime.

Owns the session, the tokens and the batches. multilingual-e5-small is used where its package is installed,
all-MiniLM-L6-v2 where it is not; both run through the same code.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from indexer.config import EmbeddingConfig
from indexer.embedding import models, quantise
from indexer.embedding.graph import MASK, TOKENS, VECTORS, Weights, bert_graph, read_weights
from indexer.embedding.multilingual import MultilingualEmbedder, fits, read_bases
from indexer.embedding.packed import PackedModel, SentencePieceTokens
from indexer.errors import ModelMissingError

Vectors = NDArray[np.float32]

BATCH_TOKENS = 1024
"""Tokens of one run, padding included. More is not faster (the activations leave the processor's cache)
and makes a query wait longer behind it."""
_SLICE = 512

RELATED = 0.15
"""Cosine from which on a text has to do with a question, for models of single languages: their unrelated
texts lie around 0. Multilingual ones put everything close together and know no such line."""

Tokens = Callable[[Sequence[str]], list[list[int]]]
"""Texts to ids, special ones included, cut to the length the model reads."""
Words = Callable[[NDArray[np.int64]], Vectors]
"""Ids of any shape to the vectors of their words."""


class BertEmbedder:
    """Texts to unit vectors. Safe to call from several threads; a query goes before waiting passages."""

    def __init__(
        self,
        weights: Weights,
        tokenizer: Path | Tokens,
        *,
        name: str,
        fingerprint: str,
        languages: frozenset[str] | None,
        max_tokens: int,
        threads: int,
        heads: int = 0,
        query_prefix: str = "",
        passage_prefix: str = "",
        words: Words | None = None,
    ) -> None:
        """Load the model.

        Args:
            weights: Plain or quantised weights.
            tokenizer: A tokenizer.json, or what turns texts into ids.
            name: Name for people.
            fingerprint: Identifies everything that changes the vectors.
            languages: ISO 639-1 codes the model knows; None means all.
            max_tokens: Tokens of a text that are read, special ones included.
            threads: Threads of one run; 0 takes the processor cores this process may use.
            heads: Attention heads; 0 means one for each 32 dimensions.
            query_prefix: Put before a query.
            passage_prefix: Put before a passage.
            words: Looks words up, for weights without them.

        Raises:
            ModelMissingError: the files do not fit together.
        """
        self.name = name
        self.fingerprint = fingerprint
        self.languages = languages
        self.related = -1.0 if languages is None else RELATED
        self.nearby = 2 * RELATED
        self.dimensions = weights.dimensions
        self._prefixes = (query_prefix, passage_prefix)
        try:
            self._tokens = (
                _load_tokenizer(tokenizer, min(max_tokens, weights.positions))
                if isinstance(tokenizer, Path)
                else tokenizer
            )
            self._session = _load_session(weights, heads or weights.dimensions // 32, threads)
        except Exception as exc:  # both libraries raise bare exceptions of their own
            raise ModelMissingError(f"The model {name} cannot be loaded: {exc}.", hint=models.REMEDY) from exc
        self._words = words
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
        return self._tokens([text.encode("utf-8", "replace").decode("utf-8") for text in texts])

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

    def _given(self, ids: list[list[int]]) -> dict[str, NDArray[Any]]:
        """What the session is run on: a batch of texts, shorter ones filled up."""
        length = max(map(len, ids))
        tokens = np.zeros((len(ids), length), np.int64)
        mask = np.zeros((len(ids), length), np.int64)
        for row, values in enumerate(ids):
            tokens[row, : len(values)] = values
            mask[row, : len(values)] = 1
        return {MASK: mask, **({VECTORS: self._words(tokens)} if self._words else {TOKENS: tokens})}

    def _run(self, ids: list[list[int]]) -> Vectors:
        (vectors,) = self._session.run(None, self._given(ids))
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
    """multilingual-e5-small as it is: packaged, or from the configured folder (or another of its shape).

    Raises:
        ModelMissingError: it is not there.
    """
    if config.path:
        files = models.find_folder(config.path, models.E5)
        return _load(files, config, cache, name=models.E5, languages=None, max_tokens=512, prefixes=_E5)
    return _load_packed(models.find_packed_e5(), config, cache)


def load_multilingual(
    config: EmbeddingConfig, *, cache: Path, english: bool
) -> MultilingualEmbedder | BertEmbedder:
    """multilingual-e5-small so that languages meet, with MiniLM beside it when `english`.

    A configured model whose space is another is taken as it is.

    Raises:
        ModelMissingError: one of them is not there.
    """
    every, bases = load_e5(config, cache=cache), read_bases()
    if config.path and not fits(every, bases):  # what is packaged is known by its hash
        return every
    return MultilingualEmbedder(every, bases, load_minilm(config, cache=cache) if english else None)


_E5 = ("query: ", "passage: ")


def _load_packed(file: Path, config: EmbeddingConfig, cache: Path) -> BertEmbedder:
    model = PackedModel(file)
    source_hash = models.E5_HASH
    bits = 8 if config.precision == "int8" else 32
    weights = quantise.quantised(model.tensors, source_hash, cache, bits=bits)
    pieces = cache / f"{source_hash[:16]}.spm"
    try:
        tokens = SentencePieceTokens(model, pieces, model.positions)
    except (OSError, RuntimeError) as exc:
        raise ModelMissingError(
            f"The vocabulary of {models.E5} cannot be kept in {pieces}: {exc}.", hint="Free some space."
        ) from exc
    return BertEmbedder(
        weights,
        tokens,
        name=models.E5,
        fingerprint=_fingerprint(models.E5, source_hash, config, model.positions, _E5),
        languages=None,
        max_tokens=model.positions,
        threads=config.threads,
        heads=model.heads,
        query_prefix=_E5[0],
        passage_prefix=_E5[1],
        words=model.rows,
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
    if config.precision == "int8":
        weights = quantise.quantised(partial(quantise.Stored, weights), files.weights_hash, cache)
    return BertEmbedder(
        weights,
        files.tokenizer,
        name=name,
        fingerprint=_fingerprint(name, files.weights_hash, config, max_tokens, prefixes),
        languages=languages,
        max_tokens=max_tokens,
        threads=config.threads,
        heads=files.heads,
        query_prefix=prefixes[0],
        passage_prefix=prefixes[1],
    )


def _fingerprint(
    name: str, weights_hash: str, config: EmbeddingConfig, max_tokens: int, prefixes: tuple[str, str]
) -> str:
    precision = f"int8-v{quantise.VERSION}" if config.precision == "int8" else "float32"
    return f"{name}:{weights_hash[:16]}:{precision}:mean:{max_tokens}:{'|'.join(prefixes)}"


def _load_tokenizer(path: Path, max_tokens: int) -> Tokens:
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(path))
    tokenizer.enable_truncation(max_tokens)
    tokenizer.no_padding()
    return lambda texts: [encoding.ids for encoding in tokenizer.encode_batch(texts)]


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
