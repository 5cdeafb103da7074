"""The losses that a student is trained with, from logits, for a training loop of the user's."""

from jaxlaws.distilling.losses import distilling_loss, next_token_loss, student_loss, z_loss

__all__ = ["distilling_loss", "next_token_loss", "student_loss", "z_loss"]
