"""Quarterdeck: one terminal from which one person supervises many AI coding agents."""

__version__ = "0.1.0"
