"""The probe: a plan made here, carried out inside the recorded program by `runtime/`, which needs only Python."""
