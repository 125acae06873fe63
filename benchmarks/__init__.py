"""Measures this source beside its peers: `python -m benchmarks --help`."""
