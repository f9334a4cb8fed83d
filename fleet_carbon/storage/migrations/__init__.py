"""From the tables of one schema version to those of the next, in both databases.

In: a connection of an older schema, with the lock of the schema held. Out: the same rows in the
tables that `METADATA` describes. A revision is text that is never changed once it was released;
it knows nothing of the tables as they are described today.
"""
