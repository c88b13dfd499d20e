"""``python -m mingwen`` is the command."""

from mingwen.cli import main

if __name__ == "__main__":
    main()
