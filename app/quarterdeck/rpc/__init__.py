"""Bounded NDJSON framing and one JSON-RPC 2.0 peer, used toward agents and toward clients."""
