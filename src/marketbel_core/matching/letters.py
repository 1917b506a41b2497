"""One text's runs of three letters, to be laid beside the texts of many products."""

import math
from collections.abc import Callable, Sequence

__all__ = ["Letters"]


class Letters:
    """A text's runs of three letters with how much each tells.

    Which of them another text has is asked of that text as it stands: to cut it up costs more.
    """

    __slots__ = ("_mean", "_sum", "_sum_of", "_weights", "text")

    def __init__(
        self,
        text: str,
        weights: Sequence[tuple[str, float]],
        *,
        mean: float,
        sum_of: Callable[[str], float],
    ) -> None:
        """Remember the runs.

        Args:
            text: As `Features.text` has it.
            weights: Each run once.
            mean: How much a run of a product tells, as far as the text itself shows it.
            sum_of: How much all runs of a text tell together.
        """
        self.text = text
        self._weights = weights
        self._mean = mean
        self._sum = math.fsum(weight for _, weight in weights)
        self._sum_of = sum_of

    def cosine(self, other: str) -> float:
        """Return how alike the texts are, 0.0 to 1.0; the other way round it is the same."""
        product = self._sum * self._sum_of(other)
        return min(1.0, self._shared(other) / math.sqrt(product)) if product > 0.0 else 0.0

    def likeness(self, other: str) -> float:
        """Return about the cosine, for a third of its price: the other's length stands for it."""
        shared = self._shared(other)
        if shared <= 0.0:
            return 0.0
        return shared / math.sqrt(self._sum * max(shared, len(other) * self._mean))

    def _shared(self, other: str) -> float:
        padded = f" {other} "
        return math.fsum([weight for run, weight in self._weights if run in padded])
