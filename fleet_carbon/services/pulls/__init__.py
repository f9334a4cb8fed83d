"""Other systems' servers, asked for pages of what they have."""
