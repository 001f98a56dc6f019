"""The keyword index: the only package that knows Tantivy.

`KeywordIndex` owns `<library>/keyword/`. Text becomes words in `analyzers`, words of a query become
words of the index in `vocabulary`, the leaves of a query become Tantivy's query objects in `plans`.
"""

from __future__ import annotations

from indexer.keyword.analyzers import arabic_stem, spans
from indexer.keyword.index import KeywordIndex, Match
from indexer.keyword.plans import WHOLE, Group, Plan, Scope

__all__ = ["WHOLE", "Group", "KeywordIndex", "Match", "Plan", "Scope", "arabic_stem", "spans"]
