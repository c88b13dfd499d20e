"""The verbs: each takes the world and a frozen command and returns a result."""
