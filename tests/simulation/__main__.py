"""`python -m tests.simulation --seeds N [--start S]`: as many seeds as there is time for."""

import sys

from tests.simulation.campaign import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
