"""A question as a text, such as `plan train flops=1e24 : num_params`, as a function of a law.

The words before the colon are a verb of the command line, `plan ...` or `predict`, and its options.
The verb itself reads them, so that a text takes exactly the options of the verb.
"""

import dataclasses
import functools
import re
import shlex
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import click
import jax
import jax.numpy as jnp

from jaxlaws.cli.options.law_quantity import Quantity
from jaxlaws.cli.options.law_source import Source
from jaxlaws.cli.options.plan_options import LAW, RECEIVER
from jaxlaws.cli.verbs import predict
from jaxlaws.cli.verbs.plans import group
from jaxlaws.foundations.annotations import Array, Tree
from jaxlaws.planning.plan_dict import with_tokens_per_param
from jaxlaws.precision import float64

if TYPE_CHECKING:
    from jaxlaws.cli.answers.presentation import Presentation
    from jaxlaws.foundations.law import Law

_NAME = r"[A-Za-z_][\w.]*(?:\[\d+\])?"
_FORM = re.compile(rf"\s*(\S.*?)\s*:\s*({_NAME})(?:\s+-\s+({_NAME}))?\s*", re.DOTALL)
_NOT_TAKEN = {"law_name", "as_json", "output"}


def read_question(text: str, source: Source, option: str = "--on") -> Quantity:
    """Read a question.

    Args:
        text: `VERB OPTIONS : NAME`. An option is written `flops=1e24`, with its name on the command
            line or the name of the input, or as on the command line, `--flops 1e24`. NAME is a key
            of the JSON object that the verb prints; of a longer key such as
            `options.distil.loss` the end is enough, where no other key ends so. An entry of a list
            is `flops[1]`; without an index it is the first. `NAME - OTHER` is a difference, of
            logarithms where the numbers are taken as logarithms.
        source: the law; the function takes laws of its class.
        option: the option that has this text, for error messages.

    Raises:
        UsageError: the text is written in another way, the verb refuses its options, or the answer
            has no such number.
    """
    try:
        form = _FORM.fullmatch(text)
        if form is None:
            raise ValueError(
                "write VERB OPTIONS : NAME, as in 'plan train flops=1e24 : num_params'"
            )
        _, question, inputs = question_of(shlex.split(form[1]), source, only_question=True)
        answer = functools.partial(question, **inputs)
        with float64():
            known = jax.eval_shape(lambda law: _numbers(answer(law)), source.law)
        places = [_place(name, known) for name in form.groups()[1:] if name is not None]
        logs = [_is_log(name) for name, _ in places]
        if logs[0] != logs[-1]:
            raise ValueError("a size and a loss have no difference: name two numbers of one kind")
    except click.ClickException as error:
        raise click.UsageError(f"{option} {text!r}: {error.format_message()}") from None
    except (ValueError, TypeError, OSError) as error:
        raise click.UsageError(f"{option} {text!r}: {error}") from None

    def function(law: "Law") -> Array:
        found = _numbers(answer(law))
        values = [found[name][index] for name, index in places]
        values = [jnp.log(value) if logs[0] else jnp.asarray(value) for value in values]
        return values[0] if len(values) == 1 else values[0] - values[1]

    names = [f"{name}[{index[0]}]" if index else name for name, index in places]
    return Quantity(text=text, name=" - ".join(names), is_log=logs[0], function=function)


def question_of(
    words: list[str], source: Source, *, only_question: bool = False
) -> "tuple[Presentation | None, functools.partial[Tree], Mapping[str, Array]]":
    """What a verb asks, without an answer.

    Args:
        words: the verb and its options.
        source: the law, which takes the place of `--law`.
        only_question: refuse the options that say which law, or where the answer goes.

    Returns:
        How the verb shows a plan, or None for a prediction; a function of a law and of inputs; and
        the inputs.

    Raises:
        ClickException, ValueError, TypeError, OSError: as the verb, or there is no such verb.
    """
    verbs = {f"plan {name}": verb for name, verb in group.command.commands.items()}
    verbs["predict"] = predict.command
    words = words[1:] if words[:1] == ["jaxlaws"] else words
    name = " ".join(words[: 2 if words[:1] == ["plan"] else 1])
    if name not in verbs:
        raise ValueError(f"no verb {name!r}; the verbs are {', '.join(verbs)}")
    verb, received = verbs[name], []
    given = [part for word in words[len(name.split()) :] for part in _option(verb, word)]
    for option in verb.params if only_question else ():
        if option.name in _NOT_TAKEN and any(part.split("=")[0] in option.opts for part in given):
            raise ValueError(f"leave out {option.opts[-1]}, which says nothing about the question")
    with verb.make_context(name, given) as context:
        context.meta.update({LAW: source, RECEIVER: lambda *asked: received.append(asked)})
        verb.invoke(context)
    return received[0][:3]


def _option(verb: click.Command, word: str) -> list[str]:
    """A word `flops=1e24` as an option with its value; other words as they are."""
    name, equals, value = word.partition("=")
    if word.startswith("-") or (not equals and not name.isidentifier()):
        return [word]
    options = {
        each: option.opts[-1]
        for option in verb.params
        for each in (option.name, *(text.lstrip("-").replace("-", "_") for text in option.opts))
    }
    if verb is predict.command:
        options |= predict.OPTION_OF
    name = name.replace("-", "_")
    if name not in options:
        if verb is predict.command and equals:
            return ["--input", word]
        raise ValueError(f"{verb.name} has no option {name!r}; it has {', '.join(_known(verb))}")
    return [options[name], value] if equals else [options[name]]


def _known(verb: click.Command) -> Sequence[str]:
    names = [option.opts[-1].lstrip("-") for option in verb.params if option.name not in _NOT_TAKEN]
    return [name for name in names if name not in ("force", "law-module")]


def _numbers(answer: Tree, prefix: str = "") -> dict[str, Array]:
    """The numbers of an answer by their keys in its JSON object, without statuses and counts."""
    if dataclasses.is_dataclass(answer):
        answer = {field.name: getattr(answer, field.name) for field in dataclasses.fields(answer)}
        answer |= answer.pop("further_inputs", {})
        answer = with_tokens_per_param(answer)
    if not isinstance(answer, Mapping):
        is_real = answer is not None and jnp.issubdtype(answer.dtype, jnp.floating)
        return {prefix: answer} if is_real else {}
    found: dict[str, Array] = {}
    for name, value in answer.items():
        if name != "active_bounds":
            found |= _numbers(value, f"{prefix}.{name}" if prefix else name)
    return found


def _place(name: str, known: Mapping[str, Array]) -> tuple[str, tuple[int, ...]]:
    """The full name of a number, and its index where it is an entry of a list.

    Raises:
        ValueError: there is no such number, or there are several.
    """
    name, _, index = name.removesuffix("]").partition("[")
    full = [name] if name in known else [each for each in known if each.endswith(f".{name}")]
    if len(full) != 1:
        what = f"several numbers end in {name!r}" if full else f"the answer has no number {name!r}"
        raise ValueError(f"{what}; name one of {', '.join(full or known)}")
    shape = known[full[0]].shape
    if len(shape) > 1 or (index and not shape):
        raise ValueError(f"{full[0]} is not one number: leave out sweeps and indices")
    if shape and int(index or 0) >= shape[0]:
        raise ValueError(f"{full[0]} has {shape[0]} entries, counted from 0")
    return full[0], (int(index or 0),) if shape else ()


def _is_log(name: str) -> bool:
    last = name.rpartition(".")[2]
    return last.startswith("num_") or last.endswith(("flops", "dollars", "tokens_per_param"))
