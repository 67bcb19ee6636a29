"""The benchmarks: every figure beside its target, from one run on this machine (`make bench`)."""
