"""The representation that harnessfix thinks in: the vocabulary, the harness model and the compiler.

`read_harness` turns source into a `HarnessModel`; `compile_run` joins it with a `Recording` into an `Htir`.
"""
