"""Routes from a step to the harness, one module each: recorded code, tool names, wording, and roles."""
