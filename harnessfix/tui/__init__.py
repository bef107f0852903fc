"""The terminal face: runs, steps, source, flaws and patches. Needs the extra `harnessfix[tui]`.

Nothing is imported here, so that the command line can say what is missing before Textual is asked for.
"""
