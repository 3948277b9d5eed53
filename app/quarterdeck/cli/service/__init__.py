"""The supervisor as a service of the machine's own manager: systemd or launchd."""
