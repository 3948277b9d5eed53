"""The screen of one browser: a process of its own, whose terminal is the web server."""

import sys

from quarterdeck.cli.full_screen import reader_name
from quarterdeck.model.places import Places
from quarterdeck.tui.run import main

if __name__ == "__main__":
    sys.exit(main(Places.from_environment(), reader_name(), client="web"))
