"""What comes in: files and rows, looked at before, put on record, and taken back."""
