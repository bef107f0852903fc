"""Getting runs in: the probe and `record`, readers of trace files, and the dialects they are written in."""
