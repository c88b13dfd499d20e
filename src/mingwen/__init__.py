"""Label what AI generates, and verify labels, by GB 45438-2025.

    import mingwen
    mingwen.label("picture.png", "picture.labelled.png")

``verify`` tells what a file's labels amount to; ``configure`` sets the producer, the key, the wording and the store.
"""

from mingwen.domain.contents import Delivery, Labelled
from mingwen.domain.errors import Malformed, MingwenError, Misused, Refused, Unavailable, Unproven
from mingwen.domain.findings import Finding, Severity
from mingwen.domain.labels import AigcLabel, Claim
from mingwen.domain.providers import ProviderCode
from mingwen.domain.tiers import Declared, Ruled, Tier
from mingwen.domain.verdicts import ReadLabel, Report, Verdict
from mingwen.face import compare, configure, duties, gate, label, preview, propagate, verify
from mingwen.live import stream
from mingwen.services.verification import require

__version__ = "0.1.0"

__all__ = [
    "AigcLabel",
    "Claim",
    "Declared",
    "Delivery",
    "Finding",
    "Labelled",
    "Malformed",
    "MingwenError",
    "Misused",
    "ProviderCode",
    "ReadLabel",
    "Refused",
    "Report",
    "Ruled",
    "Severity",
    "Tier",
    "Unavailable",
    "Unproven",
    "Verdict",
    "compare",
    "configure",
    "duties",
    "gate",
    "label",
    "preview",
    "propagate",
    "require",
    "stream",
    "verify",
]
