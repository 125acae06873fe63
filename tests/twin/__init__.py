"""A twin of the sync's surroundings, to search for histories in which its rules break a promise.

Everything around the decisions is replaced by plain objects in memory, so that a history takes
milliseconds: `server` stands for ChatbotX, `events` is what may happen to it and between whom,
`oracle` states the promise, `history` draws and plays histories. `python -m tests.twin` searches
for long, `python -m tests.twin.mutants` shows that the search finds what it should.
"""
