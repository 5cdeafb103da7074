"""Ways to learn from a teacher other than the one that the sweeps use."""

from dataclasses import dataclass, fields

import jax

from jaxlaws.distilling import keep_top_k, keep_top_p, logit_loss, next_token_loss, student_loss


@dataclass(frozen=True)
class Recipe:
    """How a student learns; the default is what all runs of the sweeps do.

    Attributes:
        mixing: the teacher's share of the loss, lambda; the text has the rest.
        temperature: tau.
        direction: of the KL, `forward` or `reverse`.
        top_k: the teacher's symbols that are kept, or None for all.
        top_p: the probability that the kept symbols cover, or None for all of it.
        match_logits: match logits by squares instead of distributions.
    """

    mixing: float = 1.0
    temperature: float = 1.0
    direction: str = "forward"
    top_k: int | None = None
    top_p: float | None = None
    match_logits: bool = False

    @property
    def name(self) -> str:
        """What differs from the default."""
        changed = [
            f"{field.name}={getattr(self, field.name)}"
            for field in fields(self)
            if getattr(self, field.name) != field.default
        ]
        return " ".join(changed) or "default"

    def loss(self, student: jax.Array, teacher: jax.Array, targets: jax.Array) -> jax.Array:
        """Losses `(...)` of logits `(..., vocabulary)`, without the Z-loss."""
        if self.match_logits:
            text = next_token_loss(student, targets)
            return self.mixing * logit_loss(student, teacher) + (1 - self.mixing) * text
        if self.top_k is not None:
            teacher = keep_top_k(teacher, self.top_k)
        if self.top_p is not None:
            teacher = keep_top_p(teacher, self.top_p)
        return student_loss(
            student,
            teacher,
            targets,
            mixing=self.mixing,
            temperature=self.temperature,
            direction=self.direction,
            z_weight=0.0,
        )


DEFAULT = Recipe()
