"""Time-stamping authorities, asked over HTTP."""
