"""Files for tests: bytes as a source gives them, and a sidecar."""

from collections.abc import AsyncIterator

from marketbel_adapters.testing.builders import NOW, fresh_id
from marketbel_core.catalog import FileType, SourceType
from marketbel_core.ids import JobId, SupplierId
from marketbel_core.intake.stored_file import Sidecar

__all__ = ["a_sidecar", "chunks_of"]


def a_sidecar() -> Sidecar:
    """Return a sidecar that says something in every field."""
    return Sidecar(
        job_id=JobId(fresh_id()),
        supplier_id=SupplierId(fresh_id()),
        supplier_name="ООО «Ромашка»",
        original_filename="Прайс март.xlsx",
        source_url="https://example.com/lists/march.xlsx",
        source_type=SourceType.EXCEL,
        file_type=FileType.EXCEL,
        mime_type="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        file_size_bytes=18_231,
        checksum_md5="0123456789abcdef" * 2,
        checksum_sha256="0123456789abcdef" * 4,
        downloaded_at=NOW,
        sniffed_type="xlsm",
        formula_cells=7,
        macros=True,
    )


async def chunks_of(content: bytes, *, chunk_bytes: int = 65_536) -> AsyncIterator[bytes]:
    """Give `content` as a source would."""
    for start in range(0, len(content), chunk_bytes):
        yield content[start : start + chunk_bytes]
