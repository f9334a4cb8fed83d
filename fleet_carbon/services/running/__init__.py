"""How the program is kept running: jobs, health, backups, the end of a fleet, the example."""
