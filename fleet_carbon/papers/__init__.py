"""Papers: composed statements as PDF, as a page for any screen, and as a picture to share.

Nothing is computed here: what a paper says was composed in `statements`.
"""
