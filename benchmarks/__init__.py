"""Benchmarks: every claim about speed, memory or quality comes from here. `python -m benchmarks`."""
