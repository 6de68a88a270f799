"""Measures what the crate costs, and writes it down. Started by `./figures` at the root."""
