"""The runbook agent: an ACP agent of our own that works a Markdown or YAML runbook step by step."""
