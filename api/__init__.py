"""REST, version 1: what POS terminals and shop systems rely on. Views load, make one domain call, translate the error."""
