"""Random histories of a workspace, played against the real thing, and the promise they must keep.

A history is a list of steps: what happens to the workspace, how the server fails, and how and when
somebody loads. The sandbox answers over HTTP, dlt writes to a DuckDB file; nothing is replaced but
the clocks. `world` is what a history happens in, `steps` what may happen, `drawing` draws
histories and `examples` has some written by hand, `playing` plays a history and then lets the sync
come to rest, `destination` reads the tables, `promise` states the promise and judges them by it.
`python -m tests.history` searches for long, and `python -m tests.mutants` shows that the search
finds what it should.
"""
