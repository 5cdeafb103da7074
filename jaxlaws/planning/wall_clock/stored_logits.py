"""A teacher's logits: store them once, or compute them again for every student?"""

import dataclasses

from jaxlaws.compute import ForwardFlops, dense_forward_flops
from jaxlaws.foundations.annotations import Array
from jaxlaws.planning.engine.costs import Costs, check_costs, check_numbers
from jaxlaws.precision import array_module
from jaxlaws.pytree import pytree


@pytree
class StoredLogits:
    """Logits that are computed once, stored, and read by several students.

    Only the largest logits of a token are stored, each as a number and its place in the vocabulary.

    Attributes:
        entries_per_token: stored logits of a token, such as 50.
        dollars_per_byte: what it costs to store a byte, for as long as it is needed. Object storage
            at 0.02 dollars per gigabyte and month costs 1.2e-10 for six months.
        dollars_per_byte_read: what it costs to read a byte once, such as traffic between regions.
        bytes_per_entry: 4 for a number in 16 bits and a place in a vocabulary of at most 65,536.

    Raises:
        ValueError: a number is negative or not finite, or no bytes are stored. JAX makes trees
            without checks, so the error comes from the properties and methods. Traced numbers are
            not checked.
    """

    entries_per_token: Array
    dollars_per_byte: Array
    dollars_per_byte_read: Array = 0.0
    bytes_per_entry: Array = 4.0

    @property
    def bytes_per_token(self) -> Array:
        """The stored bytes of a token."""
        check_numbers(dict(vars(self)), may_be_zero=("dollars_per_byte", "dollars_per_byte_read"))
        return self.entries_per_token * self.bytes_per_entry

    def dollars(self, *, num_tokens: Array, uses: Array) -> Array:
        """The price of storing the logits of some tokens and reading them `uses` times.

        >>> stored = StoredLogits(entries_per_token=50, dollars_per_byte=1.2e-10)
        >>> f"{stored.dollars(num_tokens=1e12, uses=4):,.0f} dollars"
        '24,000 dollars'
        """
        check_numbers({"uses": uses})
        per_byte = self.dollars_per_byte + uses * self.dollars_per_byte_read
        return num_tokens * self.bytes_per_token * per_byte

    def uses_that_pay(
        self,
        cost: Costs,
        *,
        num_teacher_params: Array,
        forward_flops: ForwardFlops = dense_forward_flops,
    ) -> Array:
        """The number of uses from which storing is cheaper than computing again; not rounded.

        It does not depend on the number of tokens, and is infinite where reading a token costs as
        much as computing its logits.

        Args:
            cost: the prices in dollars; `cost.logits` is that of a FLOP of the teacher.
            num_teacher_params: size of the teacher in parameters.
            forward_flops: forward FLOPs per token as a function of the size.

        >>> stored = StoredLogits(entries_per_token=50, dollars_per_byte=1.2e-10)
        >>> cost = Costs(training=1.4e-18, logits=1.4e-18)
        >>> f"{stored.uses_that_pay(cost, num_teacher_params=7e9):.1f} uses"
        '2.2 uses'
        """
        check_costs(cost)
        computing = cost.logits * forward_flops(num_teacher_params)
        reading = self.bytes_per_token * self.dollars_per_byte_read
        storing = self.bytes_per_token * self.dollars_per_byte
        xp = array_module(computing, reading, storing)
        saved = computing - reading
        pays = (computing + storing) / xp.where(saved > 0, saved, 1.0)
        return xp.where(saved > 0, pays, xp.inf)[()]

    def in_costs(self, cost: Costs, *, uses: Array) -> Costs:
        """The prices of a student that is one of `uses` users of stored logits.

        The student pays its share of computing and storing, and reads the logits once. The price of
        storing and reading is added to that of a token of data, so the scenario must not charge the
        teacher's training: its tokens would be stored as well.

        Args:
            cost: the prices in dollars.
            uses: number of students, or of passes over the tokens, that use the logits.

        >>> from jaxlaws import presets
        >>> from jaxlaws.planning import distill_with
        >>> teacher = {"num_teacher_params": 7e9, "teacher_loss": 2.1, "num_student_params": 1e9}
        >>> law, again = presets.load("busbridge2025_refit"), Costs(training=1e-18, logits=1e-18)
        >>> stored = StoredLogits(entries_per_token=50, dollars_per_byte=1.2e-10)
        >>> for cost in (again, stored.in_costs(again, uses=8)):
        ...     plan = distill_with(law, flops=2e4, cost=cost, **teacher)
        ...     print(f"{plan.num_student_tokens:.2e} tokens")
        1.00e+12 tokens
        1.86e+12 tokens
        """
        per_token = self.dollars(num_tokens=1.0, uses=uses) / uses
        return dataclasses.replace(cost, logits=cost.logits / uses, token=cost.token + per_token)
