"""Loads into every destination that can be run here, and reads the tables as their users do."""
