"""What is known of modems: one text file a family, and the reader that turns them into values."""
