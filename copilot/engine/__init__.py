"""The process that owns a library, and the client that talks to it over a Unix socket."""

VERSION = "0.1.0"
"""Of the whole program; the same as in pyproject.toml. Kept here because reading it from the installed
package's metadata takes longer than a search."""
