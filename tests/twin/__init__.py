"""A twin of the sync's surroundings, to search for histories in which its rules break a promise.

Everything around the decisions is replaced by plain objects in memory, so that a history takes
milliseconds: `records` is what ChatbotX stores, `server` stands for it, `events` is what may happen
to it, `drawing` draws histories, `history` plays them, `oracle` states the promise and judges by
the records alone. `python -m tests.twin` searches for long, `python -m tests.mutants` shows that
the search finds what it should.
"""
