"""The tests: folders mirror the package; `support` is what they share."""
