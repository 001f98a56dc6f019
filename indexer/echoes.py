"""Likeness of texts by meaning: the same text in damaged, respelled or lightly changed words.

A scan read by OCR has an error in every few words and hardly a run of five words in common with its
original, so `indexer.neardup` cannot see that they are one text. The vectors of chunks hardly change by
such damage. They bring documents together (`candidates`) and chunks beside each other (`aligned`); whether
these say the same is told by their words (`agreement`), since two reports on one form, or a translation,
have the same meaning as well. Knows neither the catalogue nor files.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from indexer import neardup, worddiff

NEAR = 0.75
"""Share of the shorter text said again in the other from which two documents are near-copies."""
AKIN = 0.55
"""Cosine of the means of two documents from which they are worth a look."""
LENGTHS = 0.7
"""Length of the shorter of two documents, as a share of the longer, from which they are worth a look."""
CROWD = 100
"""Documents of similar length from which one must stand out to be worth a look."""
OUTSTANDING = 0.75
"""Distance (1 - cosine) that is left at most, as a share of the usual one: in a library of one field all
means are near each other."""
NEAREST = 5
"""Documents looked at for each new one."""
SHORTEST = 300
"""Characters of a document below which it is too short to be called nearly the same as another."""
ALIGNED = 0.5
"""Cosine of a chunk and the one it may be a copy of. Low, since models differ in what they make of damage:
vectors say where to look, words decide."""
AGREED = 0.7
"""Share of a chunk's letters that must stand in the other text in the same order."""
SHARED = 0.3
"""Share of runs of four letters that the other text must have before words are compared."""
DAMAGED = 0.6
"""Likeness of two stretches of letters from which one is taken for a damaged copy of the other."""
LONGEST_DAMAGE = 100
"""Letters in a row without one whole word from which a stretch is no damaged copy, whatever it holds."""
FIGURES = 0.6
"""Share of the numbers of a document that the other must have: what differs in its numbers is another
report on the same form, not a copy. OCR spoils one in four at ten errors in a hundred characters."""
RUN = 25
"""Words in a row without a change that are a long run."""
THROUGHOUT = 0.6
"""Share of the text in long runs from which it was not changed throughout, but in places: licences of one
family, a text with a new section. How near such texts are, their runs of words tell better."""
MOST_CHUNKS = 150
"""Chunks of a long document that are compared, evenly spread."""

Vectors = NDArray[np.float32]

_BLOCK = 256


def mean(vectors: Vectors) -> Vectors:
    """The mean direction of a document's chunks, (dimensions,) of length 1; zeros when there is none."""
    total = vectors.mean(axis=0)
    return np.asarray(total / max(float(np.linalg.norm(total)), 1e-9), dtype=np.float32)


def candidates(means: Vectors, lengths: NDArray[np.int64], fresh: NDArray[np.bool_]) -> set[tuple[int, int]]:
    """Pairs of rows, smaller first, that are worth a look, one of them new.

    Of each new row the `NEAREST` of similar length are taken, so the work grows with what is new.

    Args:
        means: (documents, dimensions), of length 1.
        lengths: Characters of each.
        fresh: Which of them are new.
    """
    order = np.argsort(lengths, kind="stable")
    means, lengths = means[order], lengths[order]
    rows = np.flatnonzero(fresh[order] & (lengths >= SHORTEST))
    found: set[tuple[int, int]] = set()
    for first in range(0, len(rows), _BLOCK):
        for a, b in _nearest(means, lengths, rows[first : first + _BLOCK]):
            x, y = int(order[a]), int(order[b])
            found.add((min(x, y), max(x, y)))
    return found


def _nearest(
    means: Vectors, lengths: NDArray[np.int64], rows: NDArray[np.int64]
) -> Iterator[tuple[int, int]]:
    """Each of the rows with those nearest to it; all rows are ordered by length."""
    least, most = max(LENGTHS * lengths[rows[0]], SHORTEST), lengths[rows[-1]] / LENGTHS
    low = int(np.searchsorted(lengths, least))
    high = int(np.searchsorted(lengths, most, side="right"))
    cosines = means[rows] @ means[low:high].T
    usual = np.median(cosines, axis=1) if high - low >= CROWD else np.full(len(rows), -1.0)
    others = lengths[low:high]
    shorter = np.minimum(lengths[rows, None], others)
    cosines[shorter < LENGTHS * np.maximum(lengths[rows, None], others)] = -1.0
    cosines[np.arange(len(rows)), rows - low] = -1.0
    enough = np.maximum(AKIN, 1 - OUTSTANDING * (1 - usual))
    count = min(NEAREST, high - low)
    best = np.argpartition(-cosines, count - 1, axis=1)[:, :count]
    for at, row in enumerate(rows.tolist()):
        for column in best[at].tolist():
            if cosines[at, column] >= enough[at]:
                yield row, low + column


def partners(a: Vectors, b: Vectors) -> NDArray[np.int64]:
    """For each chunk of `a` the row of `b` that is nearest to it; -1 where none is near."""
    cosines = a @ b.T
    nearest: NDArray[np.int64] = cosines.argmax(axis=1)
    nearest[cosines.max(axis=1) < ALIGNED] = -1
    return nearest


def share(chunks: Sequence[str], others: Sequence[Sequence[str]]) -> float:
    """Share of the chunks, by length, that the text beside them says again: 0 to 1.

    It is 0 where the texts are not changed throughout. Below `NEAR` it is a lower bound: what cannot reach
    that any more is not read to the end.

    Args:
        chunks: Texts of one document.
        others: For each what it may be a copy of, with some text before and after; none: nothing.
    """
    total = sum(map(len, chunks))
    agreed = missed = letters = in_runs = 0
    for chunk, beside in zip(chunks, others, strict=True):
        found = _best(chunk, beside)
        if found.share >= AGREED:
            agreed += len(chunk)
            letters += found.letters
            in_runs += found.in_runs
        else:
            missed += len(chunk)
            if missed > (1 - NEAR) * total:
                break
    if not total or in_runs > THROUGHOUT * letters:
        return 0.0
    return agreed / total


def spread(count: int) -> list[int]:
    """Numbers of at most `MOST_CHUNKS` of a document's chunks, evenly spread."""
    step = max(count / MOST_CHUNKS, 1.0)
    return [int(at * step) for at in range(min(count, MOST_CHUNKS))]


class Agreement(NamedTuple):
    """How much of a text stands in another in the same order, counted in letters."""

    letters: int
    agreed: int
    """Whole or in a damaged word."""
    in_runs: int
    """In long runs of whole words."""

    @property
    def share(self) -> float:
        """Of the letters those that agree."""
        return self.agreed / self.letters if self.letters else 0.0


def _best(chunk: str, beside: Sequence[str]) -> Agreement:
    best = Agreement(0, 0, 0)
    for other in beside:
        if not _may_agree(chunk, other):
            continue
        found = agreement(chunk, other)
        if found.share >= best.share:
            best = found
        if best.share >= AGREED:
            break
    return best


def _may_agree(a: str, b: str) -> bool:
    """A look at runs of four letters, at a hundredth of the cost of a comparison."""
    grams = [{text[at : at + 4] for at in range(len(text) - 3)} for text in (a, b)]
    return len(grams[0] & grams[1]) >= SHARED * len(grams[0])


def agreement(a: str, b: str) -> Agreement:
    """How much of `a` stands in `b`, word by word; white space and punctuation do not count."""
    letters = agreed = in_runs = 0
    for edit in worddiff.diff(*(" ".join(neardup.words(text)) for text in (a, b))):
        left, right = edit.a.replace(" ", ""), edit.b.replace(" ", "")
        letters += len(left)
        if edit.op == "equal":
            agreed += len(left)
            in_runs += len(left) if edit.a.count(" ") >= RUN else 0
        elif edit.op == "replace" and _is_damaged(left, right):
            agreed += len(left)
    return Agreement(letters, agreed, in_runs)


def _is_damaged(a: str, b: str) -> bool:
    if max(len(a), len(b)) > LONGEST_DAMAGE:
        return False
    matcher = SequenceMatcher(None, a, b, autojunk=False)
    return matcher.real_quick_ratio() >= DAMAGED and matcher.ratio() >= DAMAGED


def same_figures(a: str, b: str) -> bool:
    """Whether the one with fewer numbers, of two digits and more, has most of them from the other."""
    found = [
        Counter(word for word in neardup.words(text) if len(word) > 1 and word.isdigit()) for text in (a, b)
    ]
    fewer = min(each.total() for each in found)
    return (found[0] & found[1]).total() >= FIGURES * fewer
