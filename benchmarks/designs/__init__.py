"""What the bridge's own handlers are measured beside."""
