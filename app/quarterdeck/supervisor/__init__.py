"""The background service that owns the store and the agents."""
