"""What closed months say: sums, pages, days, maps, names, and how each figure came about."""
