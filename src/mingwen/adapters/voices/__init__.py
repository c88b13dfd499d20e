"""Voices: what says the words of a label."""
