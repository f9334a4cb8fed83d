"""The revisions, one module each, with the statements of either database beside it."""
