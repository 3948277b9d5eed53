"""Looking for what could keep Quarterdeck from working here, with the remedy for each finding."""
