"""Mingwen."""
