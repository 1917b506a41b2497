"""When to try again: full jitter, so that a returning neighbour is not met by a herd.

Source: Brooker, "Exponential Backoff And Jitter", 2015 (the "full jitter" variant).
"""

from datetime import timedelta

__all__ = ["backoff"]


def backoff(tries: int, *, base: timedelta, cap: timedelta, chance: float) -> timedelta:
    """Return the wait before the next try: uniform in 0 to min(cap, base * 2^(tries - 1)).

    Args:
        tries: How many tries have failed, from 1.
        base: The longest wait after the first failure.
        cap: No wait is longer.
        chance: A random number, 0.0 to 1.0, made by the caller.
    """
    if tries < 1:
        raise ValueError(f"tries must be at least 1, got {tries}")
    if not 0.0 <= chance <= 1.0:
        raise ValueError(f"chance must be between 0 and 1, got {chance}")
    doublings = min(tries - 1, 62)  # beyond this the cap has long won and timedelta overflows
    try:
        longest: timedelta = min(cap, base * float(2**doublings))
    except OverflowError:
        longest = cap
    return longest * chance
