"""Which of the two entropy coders is there: the compiled one, or the one in Python with the same functions."""

try:
    from mingwen.notices._entropy import next_marker, plain, read_blocks, read_mcus, write_blocks, write_mcus
except ImportError:  # no compiler, when the package was built
    from mingwen.notices._entropy_pure import next_marker, plain, read_mcus, write_mcus
    from mingwen.notices._entropy_pure_bands import read_blocks, write_blocks

__all__ = ["next_marker", "plain", "read_blocks", "read_mcus", "write_blocks", "write_mcus"]
