"""What a language model makes of failed runs that no rule explains; off unless asked for, and marked as its opinion.

exhibit   what it is shown: steps and code with ids, fenced as data
answer    the type that it has to answer in
asking    one question to a model, within a budget
opine     the opinions on some runs: citations checked, answers kept by content

A model's word stands on the lowest rung of the evidence ladder. It is believed only where it cites steps and code that
it was shown, it never decides a verdict against what was observed, and everything works without it.
"""
