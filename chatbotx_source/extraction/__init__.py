"""What runs inside a load: reads the workspace from where the state says, batch by batch."""
