"""The execution policy: what an agent may do without a person, with one, or not at all (C4)."""
