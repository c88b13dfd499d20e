"""Numbers nobody else has."""

import uuid


class RandomIds:
    """Random UUIDs: 122 bits from the operating system."""

    def fresh(self) -> str:
        """Return a version 4 UUID in its usual form, which lies within the charset of Annex E j."""
        return str(uuid.uuid4())
