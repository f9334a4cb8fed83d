"""Hosts of iLEAP and PACT: what is answered, what is asked of them, what they send."""
