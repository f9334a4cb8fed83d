"""What people look at: pages made by the server, in Chinese and English, without outside help."""
