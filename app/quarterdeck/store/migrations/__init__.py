"""Ordered .sql files; the number before the underscore is the schema they lead to."""
