"""What `make run` and `make demo` are made of; `sandbox.run` puts the steps in order."""
