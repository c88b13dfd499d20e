"""Walkers over bytes: boxes, elements, chunks, pages, objects, entries. Whoever reads or writes containers stands on them."""
