"""The commands: each parses its words, calls one service and shows the answer.

Modules are grouped by what they are for and hold a `typer` application each, which
`fleet_carbon.cli` puts together. Services are imported inside the commands.
"""
