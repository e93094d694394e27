"""Tests of the tables and their loaders."""
