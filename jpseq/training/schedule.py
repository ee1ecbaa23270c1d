"""The learning rate, step by step, as a share of the highest."""

from dataclasses import dataclass


@dataclass
class Schedule:
    """Warm-up, a level part and a linear cool-down to zero; halved where nothing improves.

    >>> schedule = Schedule(steps=8, warmup=1, cooldown=0.5)
    >>> [schedule(step) for step in range(9)]
    [0.5, 1.0, 1.0, 1.0, 1.0, 0.75, 0.5, 0.25, 0.0]

    Args:
        steps: of the whole training.
        warmup: steps over which the rate rises.
        cooldown: share of the steps over which it falls to zero at the end.
        halvings: how often it has been halved, see `halve`.
    """

    steps: int
    warmup: int = 0
    cooldown: float = 1.0
    halvings: int = 0

    def __call__(self, step: int) -> float:
        """The share of the highest rate for a step, counted from 0."""
        rising = min(1.0, (step + 1) / (self.warmup + 1)) if self.warmup else 1.0
        falling = 1.0
        if self.cooldown:
            falling = min(1.0, (self.steps - step) / max(1.0, self.steps * self.cooldown))
        return float(max(0.0, min(rising, falling)) * 0.5**self.halvings)

    def halve(self) -> None:
        """Half the rate from now on (the next step's is already set)."""
        self.halvings += 1
