"""Safety: rules that judge writes, metrics and forwards; the monitor that tells of them, and stops a model."""
