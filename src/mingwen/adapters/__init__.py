"""The impure: a folder a port, a file a kind."""
