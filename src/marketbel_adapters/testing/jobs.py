"""The contract of `JobStore`, for every adapter of it, and of the journal that it writes.

    class TestMyJobStore(JobStoreContract):
        @pytest.fixture
        async def store(self) -> AsyncIterator[JobStore]:
            async with my_job_store() as opened:
                yield opened

        @pytest.fixture
        def journal(self) -> JobJournal: ...  # of that store

        @pytest.fixture
        def let_pass(self) -> LetPass: ...  # the store's time goes on, without anybody waiting

The random half of the contract is `JobStoreMachine`, in `marketbel_adapters.testing.job_machine`;
`violations`, in `marketbel_adapters.testing.journal`, checks the journal of any run.
"""

import pytest

from marketbel_adapters.testing.job_dead_letters import DeadLettersContract
from marketbel_adapters.testing.job_journal import JobJournalContract
from marketbel_adapters.testing.job_keeping import KeptJobsContract
from marketbel_adapters.testing.job_lending import LentJobsContract
from marketbel_adapters.testing.job_saving import SavedJobsContract
from marketbel_adapters.testing.leases import LetPass
from marketbel_core.ports import JobJournal, JobStore

__all__ = ["JobStoreContract", "LetPass"]


class JobStoreContract(
    KeptJobsContract,
    SavedJobsContract,
    LentJobsContract,
    DeadLettersContract,
    JobJournalContract,
):
    """What every `JobStore` keeps; a subclass says which one by its fixtures."""

    @pytest.fixture
    def store(self) -> JobStore:
        """An empty store: the subclass overrides this."""
        raise TypeError(f"{type(self).__name__} must override the fixture `store`")

    @pytest.fixture
    def other_store(self, store: JobStore) -> JobStore:
        """The same jobs as another process sees them; override it where that is a difference."""
        return store

    @pytest.fixture
    def journal(self) -> JobJournal:
        """The journal of the store: the subclass overrides this."""
        raise TypeError(f"{type(self).__name__} must override the fixture `journal`")

    @pytest.fixture
    def let_pass(self) -> LetPass:
        """Time goes on: the subclass overrides this."""
        raise TypeError(f"{type(self).__name__} must override the fixture `let_pass`")
