"""What OpenTelemetry finds of us by entry point, in an environment where harnessfix is installed beside the program.

- `opentelemetry_post_instrument`: adds `CodeProcessor` to the provider that the program or its distro set up.
- `opentelemetry_traces_exporter`: `OTEL_TRACES_EXPORTER=harnessfix` writes OTLP/JSON lines to `HARNESSFIX_TRACE_FILE`.
- `opentelemetry_genai_completion_hook`: hands the messages to that exporter alone.

They compose: no distro and no configurator is ours, other exporters go on. Only the exporter needs to be asked for;
`code.*` attributes are added when it was, or with `HARNESSFIX_CODE_ATTRIBUTES=true`, because the processor changes
spans that other exporters send, too. Under `harnessfix record` none of this is needed.
"""
