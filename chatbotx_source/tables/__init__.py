"""Declared tables, and how rows of the API become Arrow tables of them."""
