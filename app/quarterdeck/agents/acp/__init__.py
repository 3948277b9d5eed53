"""The ACP driver: what an agent's lines mean and what to say next, without any I/O."""
