"""Vectors: which chunks are near a question.

The vectors themselves are SQLite's (`VectorSource`); everything here is derived and disposable. By default
most of them lie in sealed Chroma directories (`generation.py`), the newest in memory (`delta.py`); with
`[vectors] mode = "server"` or `"cloud"` a Chroma server holds them (`remote.py`). Only `chroma.py` imports
chromadb.
"""

from indexer.vectors.source import VectorSource
from indexer.vectors.store import VectorStore, forget_models

__all__ = ["VectorSource", "VectorStore", "forget_models"]
