"""The options of data sets of plans: draws, the size of a part, and several processes."""

import click


def _distributed(_: click.Context, __: click.Parameter, value: str | None) -> bool:
    """Connect this process with the others, before anything else uses JAX.

    Raises:
        BadParameter: the text does not describe a process, or JAX does not find the others.
    """
    if value is None:
        return False
    import jax

    arguments = {}
    if value != "auto":
        address, *numbers = value.split(",")
        host, port = address.rpartition(":")[::2]
        if not (host and len(numbers) == 2 and all(map(str.isdecimal, [port, *numbers]))):
            raise click.BadParameter(
                f"write auto, or HOST:PORT,COUNT,INDEX such as node1:8476,4,0; got {value!r}"
            )
        count, index = map(int, numbers)
        arguments = {"coordinator_address": address, "num_processes": count, "process_id": index}
    try:
        jax.distributed.initialize(**arguments)
    except (ValueError, RuntimeError) as error:
        raise click.BadParameter(
            f"JAX cannot connect the processes: {error} Outside SLURM, Open MPI, Kubernetes and "
            "Cloud TPU write --distributed HOST:PORT,COUNT,INDEX"
        ) from None
    return True


draws_option = click.option(
    "--draws",
    "with_draws",
    is_flag=True,
    help="With -o FOLDER/, a data set of Parquet files: a row for each bootstrap draw of the law, "
    "with its number.",
)
block_size_option = click.option(
    "--block-size",
    type=click.IntRange(1, 10**7),
    default=100_000,
    show_default=True,
    help="With -o FOLDER/: number of rows of each file.",
)
distributed_option = click.option(
    "--distributed",
    metavar="auto|HOST:PORT,COUNT,INDEX",
    callback=_distributed,
    help="With -o FOLDER/: this process is one of several, which share the work (jax.distributed). "
    "auto: SLURM, Open MPI, Kubernetes or Cloud TPU says which one. Otherwise the address of the "
    "first process, the number of processes, and the index of this one, from 0.",
)
