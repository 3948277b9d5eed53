"""What things are: ids, states, records, errors and the pure rules over them."""
