"""Documents for people: statements, reports, bundles."""
