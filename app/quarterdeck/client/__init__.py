"""The client side of the protocol: `Deck`, over a Unix socket."""
