"""Which precision a processor is fast in."""

from typing import Literal

import torch
from torch import nn

Precision = Literal["auto", "bf16", "fp32"]


LARGE = 1_000_000
"""Weights from which on bf16 is faster. Smaller networks gain nothing and lose digits."""


def choose(precision: Precision, network: nn.Module) -> Literal["bf16", "fp32"]:
    """bf16 or fp32; auto is bf16 for a large network where the hardware multiplies in it.

    bf16 has the range of fp32 with 8 bits of precision. Weights, sums over a batch and the
    optimiser stay in fp32, so only the products are rounded (Micikevicius et al. 2018).
    """
    if precision != "auto":
        return precision
    if sum(parameter.numel() for parameter in network.parameters()) < LARGE:
        return "fp32"
    if torch.cuda.is_available():
        return "bf16" if torch.cuda.is_bf16_supported(including_emulation=False) else "fp32"
    return "bf16" if _processor_has_bf16() else "fp32"


def _processor_has_bf16() -> bool:
    # /proc/cpuinfo rather than torch's private checks, whose names change between versions.
    try:
        with open("/proc/cpuinfo", encoding="ascii", errors="replace") as file:
            flags = next((line.split() for line in file if line.startswith("flags")), [])
    except OSError:
        return False
    return "avx512_bf16" in flags or "amx_bf16" in flags
