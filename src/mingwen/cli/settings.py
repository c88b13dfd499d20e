"""``mingwen config``."""

from rich.cells import cell_len

from mingwen import settings, wiring
from mingwen.cli import exits
from mingwen.cli.terminal import clean, coloured, line, object_line


def run(*, template: bool, path: bool, as_json: bool) -> int:
    """Show the settings as they hold, or a file to begin with, or where it is looked for."""
    if template:
        line(settings.template().rstrip())
        return exits.WELL
    where = wiring.config_path()
    if path:
        line(str(where))
        return exits.WELL
    config = wiring.configuration()
    if as_json:
        object_line(
            {
                name: {"value": wiring.shown(name, v.value) if name == "store.url" else v.value, "origin": v.origin}
                for name, v in config.values.items()
            }
        )
        return exits.WELL
    line(f"{clean(str(where))}{'' if where.exists() else ' (not there; `mingwen config --template` prints one to begin with)'}")
    for name, value in config.values.items():
        shown = clean(wiring.shown(name, value.value))
        line(f"{coloured(name.ljust(24), 'cyan')} {shown}{' ' * (28 - cell_len(shown))} {coloured(value.origin, 'dim')}")
    line(f"{coloured('store'.ljust(24), 'cyan')} {clean(wiring.shown('store.url', wiring.store_url(config)))}")
    return exits.WELL
