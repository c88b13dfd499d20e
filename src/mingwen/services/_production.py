"""What several services do to make a producer's label: number it, sign it, and make the same again under the same key."""

from typing import Protocol

from mingwen.domain import contents, labels
from mingwen.domain.contents import Content
from mingwen.domain.labels import AigcLabel, Claim
from mingwen.ports import World


class Producing(Protocol):
    """A command that makes a producer's label, as far as the label tells of it."""

    @property
    def producer(self) -> str:
        """ContentProducer."""

    @property
    def produce_id(self) -> str | None:
        """ProduceID; None takes a fresh one."""

    @property
    def claim(self) -> Claim:
        """Label."""


def known(world: World, key: str | None) -> Content | None:
    """Return what was made under an idempotency key before.

    Raises:
        Misused: the key is no key (``key.length``).
    """
    if key is None:
        return None
    contents.require_key(key)
    return world.store.find(key)


def made(world: World, command: Producing, before: Content | None) -> AigcLabel:
    """Make the label, with what was drawn by lot the first time if there was one; ``require_same`` compares them."""
    if before is None:
        number = world.ids.fresh() if command.produce_id is None else command.produce_id
        reserved = _sign(world, command.claim.value, command.producer, number)
    else:
        number, reserved = command.produce_id or before.label.ProduceID, before.label.ReservedCode1
    return labels.produced(producer=command.producer, produce_id=number, reserved_code=reserved, claim=command.claim)


def _sign(world: World, claim: str, producer: str, number: str) -> str:
    """Make ReservedCode1: SecurityData in the guide's form, or nothing where there is no key."""
    if world.signer is None:
        return ""
    from mingwen.domain import security  # noqa: PLC0415 - its hash library is loaded only where there is a key

    signature = world.signer.sign(security.message(claim, producer, number))
    return security.build(signature, world.signer.certificate or world.signer.spki_der)
