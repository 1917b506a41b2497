"""An inspector that believes names, and what it was told."""

from marketbel_core.catalog import FileType, SourceType
from marketbel_core.errors import MarketbelError
from marketbel_core.ids import FileKey
from marketbel_core.intake.stored_file import FileFacts, file_type_of
from marketbel_core.ports import FileInspector, FileStore

__all__ = ["ScriptedFileInspector"]

_USUAL_FORMATS = {FileType.EXCEL: "xlsx", FileType.CSV: "csv", FileType.PDF: "pdf"}


class ScriptedFileInspector(FileInspector):
    """Finds every file sound and of the type that its name says, unless it was told otherwise."""

    def __init__(self, files: FileStore) -> None:
        self._files = files
        self._script: dict[str, FileFacts | MarketbelError] = {}

    def tell(self, filename: str, answer: FileFacts | MarketbelError) -> None:
        """Give the files called so an answer; a later one replaces it."""
        self._script[filename] = answer

    async def inspect(
        self,
        key: FileKey,
        *,
        filename: str,
        mime_type: str | None,
        source_type: SourceType,
        sheet_name: str | None = None,  # noqa: ARG002 - nobody looks inside
    ) -> FileFacts:
        await self._files.read(key)
        answer = self._script.get(filename)
        if isinstance(answer, MarketbelError):
            raise answer
        if answer is not None:
            return answer
        file_type = file_type_of(filename, mime_type=mime_type, source_type=source_type)
        return FileFacts(file_type=file_type, sniffed_type=_USUAL_FORMATS[file_type])
