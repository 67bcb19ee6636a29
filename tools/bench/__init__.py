"""Benchmarks: what requests and deliveries cost, in CPU and in dollars. `make bench` runs them all."""
