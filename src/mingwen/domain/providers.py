def problems(text: str) -> tuple[str, ...]: return ()
