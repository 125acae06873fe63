"""What dlt does not promise: each use of it is one function in here, with a test that watches it.

Elsewhere the package uses of dlt what its user guide describes, the public methods of a pipeline,
types, and exceptions, whose absence no import would survive. Whatever else it needs goes in here,
and its docstring says what breaks when dlt changes it: loudly, with an error, or silently, with a
result that is wrong or slow. The tests of the same name load with dlt, and show what they rely on.
"""
