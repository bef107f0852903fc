"""harnessfix: a trace-guided debugger for the code around a model."""

__version__ = "0.1.0"
