"""The clock of the machine."""

from datetime import UTC, datetime


class SystemClock:
    """What the operating system says."""

    def now(self) -> datetime:
        """Return the present instant in UTC."""
        return datetime.now(UTC)
