"""The facade: folders in, ranked passages out, through one object.

Owns the lifetime of everything below: the lock, the catalogue, the keyword index, the parse workers,
the threads. Opening is quick and keyword search works at once; models and vectors are loaded behind it.
"""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from indexer import directory as places
from indexer import embedding
from indexer.backlog import Backlog
from indexer.catalogue import Catalogue
from indexer.config import Config
from indexer.decoding import Decoder
from indexer.embedding import Embedder
from indexer.errors import AppError, NotFoundError
from indexer.findings import Decoding, Overview, QualityReport
from indexer.grading import Grading
from indexer.guard import Guard, GuardedEmbedder
from indexer.keyword import KeywordIndex
from indexer.keywords import KeywordFeed
from indexer.kinship import Kinship
from indexer.labels import LabelBook
from indexer.listing import Listing, as_paths
from indexer.organize.request import OrganizeRequest, Proposal
from indexer.parsing.pool import ParsePool
from indexer.pipeline import Look, Pipeline
from indexer.recognition import Recognition
from indexer.related import CopyReport, Difference
from indexer.report import News, Reporter
from indexer.rootbook import RootBook
from indexer.search import Searcher
from indexer.types import (
    Check,
    DocumentDetails,
    FileList,
    FileRow,
    LibraryStatus,
    Progress,
    Root,
    ScopeCount,
    SearchRequest,
    SearchResult,
    StoredChunk,
    TextWindow,
    UnreadFile,
)
from indexer.uploads import Uploads
from indexer.vectors import VectorStore
from indexer.watch import Watcher

log = logging.getLogger(__name__)

CLOSE_S = 2.0
"""Longest time closing waits for a model that is still being loaded."""


class Library:
    """An open library. Every method may be called from several threads at once."""

    def __init__(
        self,
        directory: Path,
        config: Config,
        *,
        watch: bool = True,
        on_ready: Callable[[], None] | None = None,
        load_embedder: Callable[[], Embedder] | None = None,
    ) -> None:
        """Use `open`."""
        self.config = config
        self.directory = places.prepare(directory)
        self._lock = places.OwnerLock(self.directory)
        self._news = News()
        self._cleanup: list[Callable[[], None]] = [self._lock.release]
        self._embedder: Embedder | None = None
        self.embeds_here = True  # texts to be embedded stay on this machine
        self.vectors: VectorStore | None = None
        self._on_ready = on_ready
        self._load_embedder = load_embedder or self._configured_embedder
        try:
            self._build()
            self._begin(watch)
        except BaseException:
            self.close()
            raise

    @classmethod
    def open(
        cls,
        directory: Path,
        config: Config,
        *,
        watch: bool = True,
        on_ready: Callable[[], None] | None = None,
        load_embedder: Callable[[], Embedder] | None = None,
    ) -> Library:
        """Open or make a library.

        Args:
            directory: Where it keeps its own files.
            config: Settings.
            watch: Look at all roots now and whenever something changes; False: only in `sync`.
            on_ready: Called in another thread when models and vectors are loaded, or are known to be
                missing.
            load_embedder: Loads the embedding model in another thread; by default the configured one.

        Raises:
            LibraryBusyError: another process has it open.
            LibraryRefusedError: its folder is unsafe.
            StoreError: its catalogue is damaged.
        """
        return cls(directory, config, watch=watch, on_ready=on_ready, load_embedder=load_embedder)

    def _build(self) -> None:
        here = self.directory
        self.catalogue = Catalogue(here / "catalogue.sqlite3")
        self._cleanup.append(self.catalogue.close)
        self.guard = Guard(self.catalogue, self.config.privacy)
        self.keyword = KeywordIndex(here / "keyword")
        self._cleanup.append(self.keyword.close)
        self._pool = ParsePool(self.config.parsing, log_path=here / "logs" / "parse.log")
        self._cleanup.append(self._pool.close)
        never = frozenset({os.fsencode(here)})
        self._roots = RootBook(self.catalogue, self.config.watch.ignore, here, never)
        self._backlog = Backlog(
            self.catalogue, changed=self._news.changed, crowded=lambda: self._pipeline.crowded
        )
        self._cleanup.append(self._backlog.close)
        self._pipeline = Pipeline(
            self.catalogue,
            KeywordFeed(self.catalogue, self.keyword),
            self._pool,
            self.config,
            never=never,
            stored=self._stored,
            changed=self._news.changed,
            dropped=self._backlog.vectors_unused,
        )
        self._cleanup.append(self._pipeline.close)
        self._searcher = Searcher(self.catalogue, self.keyword, self.config)
        self._listing = Listing(self.catalogue, lambda: self._pipeline.revision + self.labels.revision)
        self.recognition = Recognition(
            self.catalogue,
            self._pool,
            self.config,
            log_path=here / "logs" / "ocr.log",
            at_rest=self._is_at_rest,
            read_again=self._pipeline.retry,
            changed=self._news.changed,
        )
        self._cleanup.append(self.recognition.close)
        self._watcher = Watcher(
            self.catalogue, self.config.watch, look=self._pipeline.look, changed=self._news.changed
        )
        self._cleanup.append(self._watcher.close)
        self._kinship = Kinship(self.catalogue, lambda: self._pipeline.revision + self._backlog.rested)
        self._cleanup.append(self._kinship.close)
        self.grading = Grading(self.catalogue, self.config.quality.poor_below, self._news.changed)
        self._cleanup.append(self.grading.close)
        self._decoder = Decoder(self.catalogue, self._reread)
        self.labels = LabelBook(
            self.catalogue,
            self._searcher.file_ids,
            revision=lambda: self._pipeline.revision,
            changed=self._news.changed,
        )
        self._kinship.after(self.labels.rules.settle)
        self._reporter = Reporter(
            self._news, self.catalogue, self._pool, self._pipeline, self._backlog, self._watcher,
            self.recognition, labels=lambda: self.labels.revision,
        )  # fmt: skip

    def _stored(self) -> None:
        self._backlog.wake()
        self.recognition.wake()

    def _is_at_rest(self) -> bool:
        """Nothing waits to be read or embedded."""
        return self._pipeline.idle and self._backlog.idle and not self._reporter.loading

    def _begin(self, watch: bool) -> None:
        self._pipeline.start()
        if watch:
            self._watcher.start()
            self._kinship.start(self._at_rest)
            self.grading.start(self._at_rest)
        self.recognition.start()
        loader = threading.Thread(target=self._load, name="quire-load", daemon=True)
        self._cleanup.append(lambda: loader.join(CLOSE_S))
        loader.start()

    def _configured_embedder(self) -> Embedder:
        return embedding.load(
            self.config.embedding,
            cache=self.directory / "models",
            allow_remote=self.config.privacy.allow_remote,
            tunnels=self.config.privacy.tunnels,
        )

    def _load(self) -> None:
        """Load the embedding model and the vectors; what is missing becomes a note."""
        try:
            embedder = self._load_embedder()
            self.embeds_here = getattr(embedder, "is_local", True)
            guard = None if self.embeds_here else self.guard
            embedder = GuardedEmbedder(embedder, guard) if guard else embedder
            model = self.catalogue.use_model(embedder.fingerprint, embedder.dimensions)
            place = self.directory / "vectors"
            store = VectorStore(
                place,
                self.catalogue,
                model,
                embedder.dimensions,
                self.config.vectors,
                allow_remote=self.config.privacy.allow_remote,
                tunnels=self.config.privacy.tunnels,
                customs=Uploads(self.catalogue, self.guard, model, self.config.vectors.collection),
            )
            self._cleanup[2:2] = [store.close, getattr(embedder, "close", lambda: None)]
            if self._news.closed:
                store.close()
                return
            self._embedder, self.vectors = embedder, store
            self._searcher.use_vectors(store, embedder, model)
            self._backlog.use(embedder, store, model, place, guard)
        except AppError as exc:
            self._reporter.embedding_note = str(exc)
        except Exception as exc:
            log.exception("the embedding model cannot be used")
            self._reporter.embedding_note = f"Search by meaning is off: {exc}"
        finally:
            self._reporter.loading = False
            self._news.changed()
            self._check_large_file()
            if self._on_ready is not None:
                self._on_ready()

    def _check_large_file(self) -> None:
        """Look for damage that opening had no time to find."""
        if self._news.closed or not self.catalogue.is_large:
            return
        found = self.catalogue.check_file()
        if found != "ok" and not self._news.closed:
            self._pipeline.halt(self.catalogue.stop_writing(found))

    def close(self) -> None:
        """Stop all work and let go of the library; what is unfinished is taken up at the next start."""
        if not self._news.close():
            return
        while self._cleanup:
            step = self._cleanup.pop()
            try:
                step()
            except Exception:
                log.exception("closing the library")

    def __enter__(self) -> Library:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # --- roots ---

    def add_root(self, path: str) -> Root:
        """Watch a folder or file from now on.

        A path inside a root is not added again: that root is returned. Roots inside the new one
        become a part of it; nothing is read again for that.

        Raises:
            UsageError: it does not exist, or it is the library's own folder.
        """
        covering = self._roots.cover(path)
        self._pipeline.look([self._roots.place(path)])
        self._watcher.rearm()
        return self._roots.root(covering)

    def remove_root(self, path: str) -> Root:
        """Stop watching a root and forget its documents; the files are not touched.

        Raises:
            NotFoundError: it is not a root.
        """
        root_id, root = self._roots.find(path)
        self._pipeline.forget_root(root_id)
        self._watcher.rearm()
        return root

    # --- work ---

    def sync(
        self, paths: Sequence[str] = (), *, keyword_only: bool = False, ocr: bool = False
    ) -> Iterator[Progress]:
        """Bring the library up to date; ends when everything is searchable (by meaning, too).

        It waits for OCR only when asked to (`ocr`).
        Paths outside every root become roots. What cannot go on (disk full, no model) ends it as
        well, with a note in the last `Progress`.

        Raises:
            UsageError: a path does not exist.
        """
        places = [self._roots.place(path) for path in paths]
        for path, place in zip(paths, places, strict=True):
            if self._roots.covering(place) is None:
                self.add_root(path)
        look = self._pipeline.look(places)
        return self._reporter.until(lambda: self._is_synced(look, keyword_only, ocr))

    def _is_synced(self, look: Look, keyword_only: bool, ocr: bool) -> bool:
        if not look.done.is_set() or not self._pipeline.idle:
            return False
        # What was stored has woken OCR by now; what OCR has read keeps the pipeline busy once more.
        if ocr and not (self.recognition.idle and self._pipeline.idle):
            return False
        if keyword_only:
            self.labels.rules.settle()
            return True
        if self._reporter.loading or not self._backlog.idle:
            return False
        self.grading.settle()
        self._kinship.settle()  # so that the first question knows which versions are old
        self.labels.rules.settle()
        return True

    def progress(self) -> Progress:
        """What is being done now."""
        return self._reporter.progress()

    def events(self) -> Iterator[Progress]:
        """Progress whenever it changes, at most four times a second, until closed."""
        return self._reporter.events()

    @property
    def revision(self) -> int:
        """Grows with every change of what can be found."""
        return self._reporter.revision

    @property
    def watch_note(self) -> str:
        """What hinders watching; "" when all is well."""
        return self._watcher.note

    def retry(self, paths: Sequence[str] = ()) -> int:
        """Read failed files again (all of them when none is named); returns how many."""
        wanted = [spelling for path in paths for spelling in as_paths(path)]
        found = self.catalogue.failed_paths()
        if paths:
            found = [
                path
                for path in found
                if any(
                    (shown := path.decode("utf-8", "replace")) == want
                    or shown.startswith(want.rstrip("/") + "/")
                    for want in wanted
                )
            ]
        self._pipeline.retry(found)
        return len(found)

    def _reread(self, digest: str, paths: list[bytes]) -> None:
        """Read a document again before all others; returns when that is done, or cannot be."""

        def is_read() -> bool:
            document = self.catalogue.document_by_hash(digest)
            return document is None or document.parser != "" or self._pipeline.idle

        self._pipeline.retry(paths, first=True)
        for _ in self._reporter.until(is_read):
            pass

    def decodings(self, target: str) -> tuple[Decoding, ...]:
        """A text file in the encodings that make sense, the likeliest first. Raises UsageError."""
        details = self.details(target)
        return self._decoder.offer(details, self.text(details.document, 0, 300).text)

    def decode(self, target: str, encoding: str) -> DocumentDetails:
        """Read a text file in this encoding from now on ("auto": as found). Raises UsageError."""
        self._decoder.choose(self.details(target), encoding)
        return self.details(target)

    # --- questions ---

    def search(self, request: SearchRequest) -> SearchResult:
        """Search."""
        return self._searcher.search(request)

    @property
    def searcher(self) -> Searcher:
        """How results are ranked, for those who measure it."""
        return self._searcher

    def scope(self, query: str, documents: Sequence[str] = ()) -> ScopeCount:
        """How many documents a scope holds, and which of them cannot be read."""
        return self._searcher.scope(query, documents)

    def readable(self, query: str, documents: Sequence[str] = ()) -> tuple[tuple[str, str], ...]:
        """The documents of a scope that have text: (`sha256:…`, path), by path."""
        return self._searcher.readable(query, documents)

    def details(self, target: str) -> DocumentDetails:
        """What is known of a path or `sha256:…`. Raises NotFoundError."""
        for spelling in as_paths(target):
            try:
                return self._listing.details(spelling)
            except NotFoundError:
                continue
        raise NotFoundError(
            f"{target} is not in the library.", hint="Add its folder with 'quire add', or check the path."
        )

    def _digest(self, document: str) -> str:
        """Hex hash of the document a path or `sha256:…` names; "" when the file has none."""
        for spelling in as_paths(document):
            digest = self.catalogue.resolve(spelling)
            if digest is not None:
                return digest
        raise NotFoundError(f"{document} is not in the library.")

    def text(self, document: str, start: int, end: int, *, query: str = "") -> TextWindow:
        """A part of a document's text, with the spans in it that match the query."""
        digest = self._digest(document)
        total = self.catalogue.characters(digest)
        start = max(0, min(start, total))
        end = max(start, min(end, total))
        text = self.catalogue.text(digest, start, end)
        found = self._searcher.matches(text, query) if query.strip() else ()
        return TextWindow(
            document=f"sha256:{digest}" if digest else "",
            start=start,
            end=end,
            total=total,
            text=text,
            matches=tuple((start + first, start + last) for first, last in found),
        )

    def chunks(self, document: str) -> list[StoredChunk]:
        """The chunks of a document with their text, in order."""
        return self.catalogue.chunks(self._digest(document))

    def vectors_of(self, document: str) -> tuple[list[int], NDArray[np.float32]] | None:
        """Chunk ids of a document and their vectors; None unless every chunk has one."""
        return self.catalogue.vectors_of(self._digest(document))

    @property
    def languages(self) -> frozenset[str] | None:
        """ISO 639-1 codes of the languages the model knows; None means all. English without a model."""
        return self._embedder.languages if self._embedder is not None else frozenset({"en"})

    def embed_query(self, text: str) -> NDArray[np.float32] | None:
        """The vector of a question, (dimensions,); None without a model."""
        return self._embed(lambda model: model.embed_query(text))

    def embed_passages(
        self, texts: Sequence[str], documents: Sequence[str] | None = None
    ) -> NDArray[np.float32] | None:
        """The vectors of texts to be found, (n, dimensions); None without a model.

        A model on another machine gets only texts whose `documents` are named and may all go there.
        """
        if not self.embeds_here and (documents is None or not self.guard.may_embed(documents)):
            return None
        with self.guard.naming(documents or ()):
            return self._embed(lambda model: model.embed_passages(texts))

    def _embed(self, work: Callable[[Embedder], NDArray[np.float32]]) -> NDArray[np.float32] | None:
        if self._embedder is None:
            return None
        try:
            return work(self._embedder)
        except AppError as exc:
            log.warning("embedding failed: %s", exc)
            return None

    def files(
        self, *, group: str = "all", query: str = "", sort: str = "name", offset: int = 0, limit: int = 200
    ) -> FileList:
        """A window of the list of files. Sorts: name, new, old, size, state, quality."""
        chosen, told = self._chosen(query), self._kinship.told
        return self._listing.files(group, sort, max(0, offset), max(0, min(limit, 5000)), chosen, told)

    def _chosen(self, query: str) -> frozenset[int] | None:
        """Ids of the files a query means; None for all."""
        return self._searcher.file_ids(query) if query.strip() else None

    def poor(self, query: str, documents: Sequence[str] = ()) -> tuple[UnreadFile, ...]:
        """The files of a scope whose text is poor, with the reason."""
        return self.grading.poor(self._searcher.files_in(query, documents))

    def poor_pages(self, documents: Sequence[str]) -> tuple[UnreadFile, ...]:
        """Those of these documents that have poor pages among sound ones, with the pages."""
        return self.grading.poor_pages(documents)

    def quality(self, query: str = "", *, limit: int = 50) -> QualityReport:
        """The quality of all files, or of those a query means, by folder, type and month."""
        return self.grading.report(self._chosen(query), limit=limit)

    def overview(self, query: str = "") -> Overview:
        """All files, or those a query means, in numbers."""
        from indexer import overview

        return overview.made(
            self.grading.graded(self._chosen(query)),
            self._kinship.report(limit=1_000_000),
            self.grading.poor_below,
            library=os.fspath(self.directory),
            scope=query,
        )

    def find_names(self, pattern: str, *, limit: int = 50) -> tuple[FileRow, ...]:
        """Files by name, in fzf's syntax, best first."""
        return self._listing.find_names(pattern, limit)

    def status(self) -> LibraryStatus:
        """Counts from the store, failures, the embedding model."""
        counts = self.catalogue.counts()
        return LibraryStatus(
            library=os.fspath(self.directory),
            roots=self.catalogue.roots(),
            files=counts["files"],
            documents=counts["documents"],
            chunks=counts["chunks"],
            vectors=counts["vectors"],
            pending_parse=counts["pending_parse"],
            pending_embed=counts["pending_embed"],
            failed=self.catalogue.failed(),
            embedding_model=self._embedder.name if self._embedder is not None else "",
            embedding_note=self._backlog.note or self._reporter.embedding_note,
            revision=self.revision,
            pending_ocr=self.recognition.textless(),
            ocr_engines=self.recognition.usable,
        )

    def doctor(self) -> tuple[Check, ...]:
        """Compare the stores with each other and check the surroundings."""
        from indexer import doctor

        return doctor.examine(self)

    # --- copies and versions ---

    def _at_rest(self, seen: int, longest_s: float) -> tuple[int, bool]:
        """Wait for a change; how many there have been, and whether nothing waits to be read."""
        self._news.wait(seen, longest_s)
        return self._news.count, not self._news.closed and self._pipeline.idle

    def duplicates(
        self, *, limit: int = 200, differences: bool = False, query: str = "", path: str = ""
    ) -> CopyReport:
        """Copies, near-copies and versions; the words that differ are counted when asked for.

        Args:
            limit: Most groups and most families.
            differences: Count the words that differ in near-copies.
            query: Only groups and families with a file it means.
            path: Only those of this file.
        """
        among = self._listing.paths(self._searcher.file_ids(query)) if query.strip() else None
        if path:
            among = frozenset(as_paths(path))
        return self._kinship.report(limit=limit, differences=differences, among=among)

    def diff(self, a: str, b: str, *, context: int = 40) -> Difference:
        """What differs between two documents, word by word.

        Args:
            a: Path or `sha256:…`.
            b: Another one.
            context: Characters kept on each side of long equal stretches; negative: all.

        Raises:
            NotFoundError: one is not in the library, or has no text.
        """
        return self._kinship.diff(self.details(a), self.details(b), context=context)

    # --- putting in order ---

    def organize(self, request: OrganizeRequest) -> Proposal:
        """What could be put in order; nothing is changed. Raises UsageError for a template."""
        from indexer.organize.propose import proposal

        scope = self._searcher.file_ids(request.scope) if request.scope.strip() else None
        if request.archive_old:
            self._kinship.settle()
        return proposal(request, self.catalogue, scope, library=os.fspath(self.directory))

    # --- what people and models leave behind ---

    def cached(self, key: str) -> str | None:
        """A summary kept under its key."""
        return self.catalogue.cached(key)

    def cache(self, key: str, value: str) -> None:
        """Keep a summary under its key."""
        self.catalogue.cache(key, value)
