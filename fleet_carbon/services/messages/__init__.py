"""What others are told: webhooks and mail."""
