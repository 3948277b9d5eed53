"""`qd web`: the full-screen view in a browser."""
