"""Instants as people read them."""

from datetime import UTC, datetime, timedelta, timezone
from typing import Final

BEIJING: Final = timezone(timedelta(hours=8))
"""Courts in China read times of UTC+8."""


def moment(at: datetime, language: str) -> str:
    """Write an instant in UTC to the second; in Chinese after the time of Beijing."""
    utc = f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"
    if language != "zh":
        return utc
    local = at.astimezone(BEIJING)
    return f"北京时间 {local.year}年{local.month}月{local.day}日 {local:%H:%M:%S}（{utc}）"
