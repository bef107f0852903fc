"""What `collect` does, without a face.

`serving` opens the receiver over the inbox of a store, `settling` is the process beside it that makes runs of traces
that have fallen silent, and `inbox_runs` is how a silent trace becomes a run; every command that opens a store does it.
"""
