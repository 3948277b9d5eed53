"""SQLite: one writer, ordered migrations, one module per aggregate."""
