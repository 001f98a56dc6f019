"""The date of a document, as far as it tells one."""

from __future__ import annotations

import datetime as dt
import re

from indexer.types import DocumentDetails


def date_of(details: DocumentDetails) -> str:
    """ISO date: when the document says it was changed or made, else when its file was."""
    for key in ("modified", "created"):
        match = re.match(r"[12]\d{3}-\d\d-\d\d", details.metadata.get(key, ""))
        if match:
            return match[0]
    return dt.datetime.fromtimestamp(details.mtime_ns / 1e9).date().isoformat()
