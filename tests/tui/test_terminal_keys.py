"""What the terminal sends for keys Textual does not know by itself."""

from textual._xterm_parser import XTermParser
from textual.events import Key

from quarterdeck.tui import terminal_keys


def test_escape_and_return_together_are_alt_enter():
    terminal_keys.teach()
    parser = XTermParser()
    told = [*parser.feed("a\x1b\rb"), *parser.tick()]
    assert [key.key for key in told if isinstance(key, Key)] == ["a", "alt+enter", "b"]
