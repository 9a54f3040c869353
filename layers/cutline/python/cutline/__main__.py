"""`python -m cutline`: the operator's command line."""

import sys

from cutline.operator import main

if __name__ == "__main__":
    sys.exit(main())
