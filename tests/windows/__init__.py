"""What can only be tested on Windows; `scripts/test-windows` runs it under Wine."""
