"""Acts that move value, what is claimed, and how all of it is checked."""
