"""Kills syncs at moments drawn over the whole of them, and looks whether anything is lost.

`worker` is the process that dies, `history` lets a workspace live, kills syncs of it and compares
the tables with the truth. `python -m tests.kills` does so for long.
"""
