"""Checks the derivation in somebody's article: files to blocks, chains, readings, verdicts."""
