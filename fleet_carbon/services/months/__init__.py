"""A month: its legs cut, its figures computed, closed, computed again."""
