"""What the README claims about speed and cost, measured or computed: `make bench`, `python -m benchmarks.costs`."""
