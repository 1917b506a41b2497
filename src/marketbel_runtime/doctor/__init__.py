"""`marketbel doctor`: looks at everything that a worker needs, and says what to do about it."""

from marketbel_runtime.doctor.examination import examine, run_doctor
from marketbel_runtime.doctor.findings import Finding, Report, State

__all__ = ["Finding", "Report", "State", "examine", "run_doctor"]
