"""Settings of distillation; the sweeps use the default."""

from dataclasses import dataclass, fields

import jax

from jaxlaws.distilling import keep_top_k, keep_top_p, logit_loss, next_token_loss, student_loss
from jaxlaws.distilling.losses import Direction


@dataclass(frozen=True)
class Recipe:
    """The settings with which a student learns. All runs of the sweeps have the defaults.

    Attributes:
        mixing: share lambda of the teacher in the loss. The text has the share 1 - lambda.
        temperature: temperature tau of the two distributions.
        direction: direction of the KL divergence.
        top_k: number of the teacher's symbols that are kept, or None for all.
        top_p: total probability of the teacher's symbols that are kept, or None for all.
        match_logits: compare logits by squared distance instead of distributions.
    """

    mixing: float = 1.0
    temperature: float = 1.0
    direction: Direction = "forward"
    top_k: int | None = None
    top_p: float | None = None
    match_logits: bool = False

    @property
    def name(self) -> str:
        """The settings that differ from the default, as text."""
        changed = [
            f"{field.name}={getattr(self, field.name)}"
            for field in fields(self)
            if getattr(self, field.name) != field.default
        ]
        return " ".join(changed) or "default"

    def loss(self, student: jax.Array, teacher: jax.Array, targets: jax.Array) -> jax.Array:
        """Return losses `(...)` for logits `(..., vocabulary)`, without the Z-loss."""
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
