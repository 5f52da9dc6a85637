"""Measurements of the project; ``python -m benchmarks`` runs them and writes docs/performance.md."""
