"""The analytics tables."""
