"""Mistakes made on purpose, one at a time, to show that a search notices them.

A mutant is the package with one thing changed in its source. `decisions` are those that the search
of the twin has to find, `handling` those of the search with HTTP, dlt and DuckDB, which is a
hundred times as slow; `trying` puts a mutant before its search. One that survives is a gap of the
search, or a rule that is not needed. `python -m tests.mutants` tries them.
"""
