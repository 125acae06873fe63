"""What databases and table files need, and how what is gone is marked there."""
