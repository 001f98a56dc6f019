"""Use a Quire library as a LlamaIndex retriever: `python examples/llamaindex_retriever.py "a question"`.

The library stays where it is; this asks the running engine (and starts one when there is none), so nothing is indexed
twice and every node carries the file, the page and the exact span that a citation needs.
"""

from __future__ import annotations

import sys

from llama_index.core.retrievers import BaseRetriever
from llama_index.core.schema import NodeWithScore, QueryBundle, TextNode

from copilot.types import Session
from indexer.types import SearchRequest


class QuireRetriever(BaseRetriever):
    """Passages of a Quire library, ranked by words and meaning together."""

    def __init__(self, session: Session, *, passages: int = 8, scope: str = "") -> None:
        """Take an open session; `scope` is a query whose filters limit the documents."""
        super().__init__()
        self._session = session
        self._passages = passages
        self._scope = scope

    def _retrieve(self, query_bundle: QueryBundle) -> list[NodeWithScore]:
        request = SearchRequest(
            query=query_bundle.query_str, scope=self._scope, limit=self._passages, chunks=True
        )
        return [
            NodeWithScore(
                score=hit.score,
                node=TextNode(
                    id_=f"{hit.document}:{hit.start}",
                    text=hit.text,
                    metadata={"path": hit.path, "page": hit.page, "start": hit.start, "end": hit.end},
                ),
            )
            for hit in self._session.search(request).hits
        ]


if __name__ == "__main__":
    from copilot.engine.client import connect
    from copilot.engine.process import default_library

    opened = connect(default_library())
    for found in QuireRetriever(opened).retrieve(" ".join(sys.argv[1:])):
        print(f"{found.score:.3f}  {found.metadata['path']}  p.{found.metadata['page']}")
        print(f"       {found.text[:160]!r}")
