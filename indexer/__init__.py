"""Folders in, ranked passages out. Knows no language model that writes text and no screen."""
