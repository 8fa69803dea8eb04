"""`python -m matted` is the command `matted`."""

import sys

from matted.cli import main

if __name__ == "__main__":
    sys.exit(main())
