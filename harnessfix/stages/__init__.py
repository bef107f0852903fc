"""The stages as work for many runs: jobs that an engine spreads over processes or machines.

versions      what a result depends on: digests of programs, of a harness, of a run
examine       the job: read, compile and diagnose a batch of runs
examined      what a batch comes to, in a form that batches can be added up in
sweep         all runs: those that are unchanged are taken as they are, the others examined
collect       the job that reads trace files into the store
"""
