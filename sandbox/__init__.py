"""The whole bridge on one machine: local AWS, simulated brokers, demo."""
