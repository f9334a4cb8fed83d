"""Who may do what: users, keys, sign-on, and what is on record of a person."""
