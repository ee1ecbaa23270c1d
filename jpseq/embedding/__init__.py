"""Word vectors: learnt, and compared."""
