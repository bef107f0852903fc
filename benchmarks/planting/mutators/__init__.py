"""The mutators, a module for each layer."""
