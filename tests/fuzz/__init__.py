"""Coverage-guided fuzzing of what reads bytes from a disk. Run by scripts/fuzz; `test_replay` needs no fuzzer.

Each target takes any bytes and raises where a promise is broken. What it found is in `crashes`, one input a file.
"""
