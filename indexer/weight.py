"""The weight of meaning against words: from the configuration, or as it was measured for this library."""

from __future__ import annotations

from typing import Literal

from indexer.catalogue import Catalogue
from indexer.config import SearchConfig

KEY = "semantic_weight"
"""Name in the catalogue of the weight that was measured."""

Origin = Literal["default", "configuration", "tuned"]


class Weight:
    """The weight in use. A weight that the configuration names always wins."""

    def __init__(self, catalogue: Catalogue, config: SearchConfig) -> None:
        """Read what was measured."""
        self._catalogue = catalogue
        self._config = config
        self._tuned = _weight_of(catalogue.meta(KEY))

    @property
    def value(self) -> float:
        """0 to 1."""
        if self.origin == "tuned" and self._tuned is not None:
            return self._tuned
        return self._config.semantic_weight

    @property
    def origin(self) -> Origin:
        """Who says so."""
        if KEY in self._config.model_fields_set:
            return "configuration"
        return "default" if self._tuned is None else "tuned"

    def keep(self, weight: float | None) -> None:
        """Keep a weight for this library; None goes back to the default."""
        self._catalogue.set_meta(KEY, "" if weight is None else repr(weight))
        self._tuned = weight


def _weight_of(kept: str) -> float | None:
    """A weight as the catalogue keeps it; None for what is none."""
    try:
        weight = float(kept)
    except ValueError:
        return None
    return weight if 0 <= weight <= 1 else None
