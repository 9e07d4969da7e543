"""kopf: it watches, keeps the indexes and says which key changed. It never writes to the cluster."""
