"""What the tables tell, for pages and for programs."""
