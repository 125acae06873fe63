"""Rows of the API as tables."""
