"""Exported sessions as files: JSON Lines, Markdown, HTML."""
