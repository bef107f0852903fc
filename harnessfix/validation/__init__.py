"""What `validate` does, without a face.

`validating` answers what the gate asks for (runs and findings), by way of `trials`: the user's command, pytest, or a
recorded run that is replayed (`replaying`). `resuming` keeps what an interrupted validation had found out, `regression`
writes the test of a proved patch, `proving` goes the whole way from flaws to proved patches.
"""
