"""What is due, where a walk stops, when a pass ends: pure decisions over plain data."""
