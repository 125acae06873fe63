"""What the package relies on and dlt does not promise: each test loads with dlt, and shows it."""
