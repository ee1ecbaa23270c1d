"""Schedule: the learning rate of each step."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jpseq.training.schedule import Schedule


def rates(schedule: Schedule) -> list[float]:
    return [schedule(step) for step in range(schedule.steps + 1)]


@pytest.mark.parametrize(
    ("schedule", "wanted"),
    [
        (Schedule(4), [1, 0.75, 0.5, 0.25, 0]),
        (Schedule(4, cooldown=0.5), [1, 1, 1, 0.5, 0]),
        (Schedule(4, cooldown=0.0), [1, 1, 1, 1, 1]),
        (Schedule(5, warmup=3, cooldown=0.0), [0.25, 0.5, 0.75, 1, 1, 1]),
        (Schedule(6, warmup=1, cooldown=0.5), [0.5, 1, 1, 1, 2 / 3, 1 / 3, 0]),
        # The two meet where neither has reached the highest rate: the lower of them counts.
        (Schedule(4, warmup=4), [0.2, 0.4, 0.5, 0.25, 0]),
        (Schedule(4, halvings=2), [0.25, 0.1875, 0.125, 0.0625, 0]),
        (Schedule(1), [1, 0]),
        (Schedule(0), [0]),
        (Schedule(3, cooldown=0.1), [1, 1, 1, 0]),  # less than a step long
    ],
)
def test_by_hand(schedule: Schedule, wanted: list[float]) -> None:
    assert rates(schedule) == pytest.approx(wanted, abs=1e-15)


def test_halving_is_from_now_on() -> None:
    schedule = Schedule(4, cooldown=0.0)
    assert schedule(1) == 1
    schedule.halve()
    assert schedule(2) == 0.5
    schedule.halve()
    assert schedule(3) == 0.25


some_schedules = st.builds(
    Schedule, st.integers(0, 300), st.integers(0, 400), st.floats(0, 1), st.integers(0, 2000)
)


@given(some_schedules)
def test_a_rate_is_a_share(schedule: Schedule) -> None:
    assert all(0 <= rate <= 1 for rate in rates(schedule))
    # Beyond the end, where nothing should ask, there is no negative rate either.
    assert 0 <= schedule(schedule.steps + 10) <= 1


@given(some_schedules)
def test_it_rises_then_falls(schedule: Schedule) -> None:
    course = rates(schedule)
    top = course.index(max(course))
    assert course[: top + 1] == sorted(course[: top + 1])
    assert course[top:] == sorted(course[top:], reverse=True)


@given(st.integers(1, 300), st.integers(0, 400), st.floats(0, 1))
def test_every_step_learns_something(steps: int, warmup: int, cooldown: float) -> None:
    assert min(rates(Schedule(steps, warmup, cooldown))[:-1]) > 0
