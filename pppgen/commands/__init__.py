"""One file a sub-command: the only place that wires the parts together and presents what came out."""
