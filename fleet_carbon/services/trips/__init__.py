"""Before a trip: what an order would come to, which truck takes it, and what became of it."""
