"""Tags suggested from the tags people gave: the nearest tagged documents vote.

A document stands at the mean of its chunks' vectors. Its nearest neighbours vote, each with its nearness
above a floor: tagged ones for their tags, untagged ones, with less weight, for none. The confidence of a tag
is its share of all votes, and few or far neighbours cannot make it high. Nothing is given by itself. The
numbers were chosen on `benchmarks/tagging.py`.
"""

from __future__ import annotations

import threading
from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from indexer.catalogue import Catalogue, cards
from indexer.catalogue import labels as stored
from indexer.catalogue.reads import current_model
from indexer.labelled import Suggestion
from indexer.text import fold

NEIGHBOURS = 12
"""Nearest documents that vote."""
FLOOR = 0.35
"""Cosine from which a neighbour votes at all; unrelated documents of one field reach about this."""
DOUBT = 0.3
"""Weight of an untagged neighbour: it may lack the tag, or nobody has come to tag it yet."""
QUORUM = 0.8
"""Votes below which the missing ones count against every tag: one near neighbour is not certainty."""
AT_LEAST = 0.6
"""Confidence from which a tag is suggested; `benchmarks/tagging.py` measures what that means."""
MOST = 5_000
"""Tagged documents that may vote, and as many untagged ones, the newest in the library first."""

Row = NDArray[np.float32]


class Suggester:
    """Suggests tags. Thread-safe."""

    def __init__(self, catalogue: Catalogue) -> None:
        """Keep the catalogue."""
        self._catalogue = catalogue
        self._lock = threading.Lock()
        self._rows: dict[int, Row] = {}
        self._model = 0

    def suggest(
        self, files: Collection[int], *, at_least: float = 0.0, limit: int = 200
    ) -> tuple[Suggestion, ...]:
        """Tags for the documents among some files, by path and by confidence."""
        with self._catalogue.reader() as db:
            wanted = stored.documents_of(db, files)[:limit]
            tagged = stored.given_by_hand(db, MOST) if wanted else {}
            if not tagged:
                return ()
            tagged = dict.fromkeys(stored.untagged(db, MOST), ()) | tagged
        rows = self._means({*tagged, *(row[0] for row in wanted)})
        voters = [document for document in tagged if document in rows]
        if not voters:
            return ()
        matrix = np.stack([rows[document] for document in voters])
        found: list[Suggestion] = []
        for document, file_id, path, digest in wanted:
            if document not in rows:
                continue
            known = self._known(file_id)
            nearness = matrix @ rows[document]
            nearness[[at for at, voter in enumerate(voters) if voter == document]] = -1.0
            votes = vote(nearness, [tagged[voter] for voter in voters])
            for tag, (confidence, nearest) in sorted(votes.items(), key=lambda vote: (-vote[1][0], vote[0])):
                if confidence >= (at_least or AT_LEAST) and not _has(known, tag):
                    because = self._paths([voters[each] for each in nearest[:3]])
                    found.append(
                        Suggestion(
                            path=path,
                            document=f"sha256:{digest}",
                            tag=tag,
                            confidence=round(confidence, 3),
                            because=because,
                        )
                    )
        return tuple(found)

    def _known(self, file_id: int) -> frozenset[str]:
        """Folded tags that the file has or that were refused for it."""
        with self._catalogue.reader() as db:
            card = cards.read(db, cards.on_files(db, [file_id]).values())
            return frozenset({fold(tag.name) for tag in stored.tags_on(db, file_id)}).union(
                *(each.tags for each in card)
            )

    def _paths(self, documents: Sequence[int]) -> tuple[str, ...]:
        found = self._catalogue.paths_by_id(documents)
        return tuple(paths[0].decode("utf-8", "replace") for paths in found.values() if paths)

    def _means(self, documents: Collection[int]) -> Mapping[int, Row]:
        """The unit mean vector of each document all of whose chunks have one; kept, as contents stay."""
        with self._lock:
            with self._catalogue.reader() as db:
                model = current_model(db)
            if model != self._model or len(self._rows) > 4 * MOST:
                self._rows, self._model = {}, model
            missing = [document for document in sorted(documents) if document not in self._rows]
            for first in range(0, len(missing), 500):
                self._rows.update(self._read(missing[first : first + 500]))
            return {document: self._rows[document] for document in documents if document in self._rows}

    def _read(self, documents: Sequence[int]) -> dict[int, Row]:
        chunks: defaultdict[int, list[bytes]] = defaultdict(list)
        whole: dict[int, int] = {}
        with self._catalogue.reader() as db:
            for document, count, vector in stored.vectors_of(db, self._model, documents):
                chunks[document].append(vector)
                whole[document] = count
        found = {}
        for document, vectors in chunks.items():
            if len(vectors) < whole[document]:
                continue
            mean = np.frombuffer(b"".join(vectors), dtype="<f2").reshape(len(vectors), -1).mean(0, np.float32)
            found[document] = np.asarray(mean / max(float(np.linalg.norm(mean)), 1e-9), dtype=np.float32)
        return found


def vote(nearness: Row, tags: Sequence[Sequence[str]]) -> dict[str, tuple[float, list[int]]]:
    """The confidence of each tag that a near neighbour has, and those neighbours, nearest first.

    Args:
        nearness: Cosine of each document.
        tags: The tags of each, in the same order; none for an untagged one.
    """
    nearest = np.argsort(-nearness, kind="stable")[:NEIGHBOURS]
    shares: Counter[str] = Counter()
    voters: defaultdict[str, list[int]] = defaultdict(list)
    spelled: dict[str, str] = {}
    total = 0.0
    for at in nearest.tolist():
        weight = max(0.0, (float(nearness[at]) - FLOOR) / (1 - FLOOR))
        if not weight:
            break
        total += weight if tags[at] else DOUBT * weight
        for key, tag in {fold(tag): tag for tag in tags[at]}.items():
            spelled.setdefault(key, tag)
            shares[key] += weight  # type: ignore[assignment]
            voters[key].append(at)
    whole = max(total, QUORUM)
    return {spelled[key]: (share / whole, voters[key]) for key, share in shares.items()}


def _has(known: Collection[str], tag: str) -> bool:
    """Whether a tag, or one below it, is among the known ones."""
    key = fold(tag)
    return any(each == key or each.startswith(key + "/") for each in known)
