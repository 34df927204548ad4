"""TradingView's operations, one file for each group: a call in, the content of an answer out."""
