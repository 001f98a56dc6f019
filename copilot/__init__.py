"""Passages in, cited text out; and the engine that serves both to every client."""
