"""What every use case leans on: progress, cursors, secrets, logs, events, warm kernels."""
