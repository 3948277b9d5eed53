"""Full screens: the main one and the help."""
