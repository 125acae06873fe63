"""The benchmarks run, and serve what they should."""
