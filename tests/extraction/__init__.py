"""What a load reads, and what it makes of odd answers."""
