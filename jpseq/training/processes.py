"""The processes of one training: one, or those that torchrun or SLURM has started."""

import atexit
import os


def world_size() -> int:
    """How many processes train together."""
    return int(os.environ.get("WORLD_SIZE", "1"))


def rank() -> int:
    """Which of them this is, from 0."""
    return int(os.environ.get("RANK", "0"))


def local_world_size() -> int:
    """How many of them run on this machine."""
    return int(os.environ.get("LOCAL_WORLD_SIZE", str(world_size())))


def is_first() -> bool:
    """Whether this process is the one that prints and writes files."""
    return rank() == 0


def start() -> None:
    """Let processes without a GPU talk to one another, where nothing else has."""
    import torch

    if not torch.distributed.is_initialized():
        torch.distributed.init_process_group("gloo")
        atexit.register(torch.distributed.destroy_process_group)


def total(value: float) -> float:
    """The sum of a number over all processes; every process calls it."""
    if world_size() == 1:
        return value
    import torch

    device = "cuda" if torch.distributed.get_backend() == "nccl" else "cpu"
    summed = torch.tensor(value, dtype=torch.float64, device=device)
    torch.distributed.all_reduce(summed)
    return float(summed)
