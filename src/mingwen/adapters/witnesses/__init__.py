"""Those who watch that our log only grows."""
