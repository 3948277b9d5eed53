"""The command line `qd`; what scripts can rely on is listed in the README."""
