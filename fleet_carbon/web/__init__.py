"""The service over HTTP: parse, call one service, answer."""
