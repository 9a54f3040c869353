"""`python -m cutline`: the operator's command line."""

import sys

from cutline.commands import main

if __name__ == "__main__":
    sys.exit(main())
