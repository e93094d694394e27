"""What is installed on instances: built, installed and run."""
