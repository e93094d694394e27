"""Benchmarks: each claim is a ratio to a named peer, measured in the same run on the same files. Run by scripts/bench."""
