"""Who may send, read and administer, and what they did."""
