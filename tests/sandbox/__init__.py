"""The stand-in of the API."""
