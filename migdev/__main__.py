"""``python -m migdev``."""

from migdev.cli import main

if __name__ == "__main__":
    main()
