"""Where the logs of others are read."""
