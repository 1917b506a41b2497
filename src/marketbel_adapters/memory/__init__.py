"""Every port in dicts: for tests, for trying things out, for services that embed the core."""

from marketbel_adapters.memory.analyzer import ScriptedAnalyzer
from marketbel_adapters.memory.archive import MemoryJobArchive
from marketbel_adapters.memory.breaker import MemoryBreaker
from marketbel_adapters.memory.candidates import MemoryCandidateIndex
from marketbel_adapters.memory.catalog import MemoryCatalog
from marketbel_adapters.memory.environment import CountingIdSource, ManualClock
from marketbel_adapters.memory.files import MemoryFileStore
from marketbel_adapters.memory.inbox import MemoryInbox
from marketbel_adapters.memory.inspector import ScriptedFileInspector
from marketbel_adapters.memory.jobs import MemoryJobJournal, MemoryJobStore
from marketbel_adapters.memory.leases import MemoryLeases
from marketbel_adapters.memory.master_sheet import MemoryMasterSheet
from marketbel_adapters.memory.queue import MemoryStepQueue
from marketbel_adapters.memory.rows import ScriptedRowReader
from marketbel_adapters.memory.sources import MemoryFile, MemoryFileSource
from marketbel_adapters.memory.sync_board import MemorySyncBoard
from marketbel_adapters.memory.telemetry import RecordingTelemetry
from marketbel_adapters.memory.waiting_triggers import MemoryWaitingTriggers

__all__ = [
    "CountingIdSource",
    "ManualClock",
    "MemoryBreaker",
    "MemoryCandidateIndex",
    "MemoryCatalog",
    "MemoryFile",
    "MemoryFileSource",
    "MemoryFileStore",
    "MemoryInbox",
    "MemoryJobArchive",
    "MemoryJobJournal",
    "MemoryJobStore",
    "MemoryLeases",
    "MemoryMasterSheet",
    "MemoryStepQueue",
    "MemorySyncBoard",
    "MemoryWaitingTriggers",
    "RecordingTelemetry",
    "ScriptedAnalyzer",
    "ScriptedFileInspector",
    "ScriptedRowReader",
]
