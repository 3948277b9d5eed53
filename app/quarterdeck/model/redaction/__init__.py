"""Redaction: secrets become visible markers before anything is written to the store (A2, A15)."""
