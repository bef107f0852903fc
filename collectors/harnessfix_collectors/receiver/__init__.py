"""The OTLP receiver: HTTP and gRPC in, chunks of traces out to a sink, and an answer only after the sink has them.

`receiver.py` holds the parts together; `http_app.py` and `grpc_service.py` are the two doors. Needs the extra
`collect`, and `grpc` for the second door.
"""
