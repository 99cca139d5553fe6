"""The agreement on paper: a PDF by Typst."""

import json
from dataclasses import asdict
from datetime import datetime
from importlib.resources import files
from pathlib import Path
from typing import Literal

import typst

from boss_agreements.documents.rules import Document


class AgreementPress:
    """Sets agreements with one reused compiler, which keeps fonts and the parsed layout."""

    def __init__(self, fonts: Path | None = None) -> None:
        layout = Path(str(files("boss_agreements").joinpath("adapters/agreement.typ")))
        # The same agreement must look the same everywhere: only the fonts that come with the compiler, and those that
        # the installation chose for what these can't print.
        self._compiler = typst.Compiler(
            str(layout),
            root=str(layout.parent),
            font_paths=[str(fonts)] if fonts else [],
            ignore_system_fonts=True,
        )

    def pdf(self, document: Document, time: datetime) -> bytes:
        """Set a document as PDF; the same document is the same bytes."""
        return self._pages(document, time, "pdf")[0]

    def png(self, document: Document, time: datetime, ppi: float = 110) -> list[bytes]:
        """Draw the pages of a document, to look at."""
        return self._pages(document, time, "png", ppi)

    def _pages(
        self, document: Document, time: datetime, form: Literal["pdf", "png"], ppi: float | None = None
    ) -> list[bytes]:
        inputs = {"document": json.dumps(asdict(document), ensure_ascii=False)}
        made = self._compiler.compile(
            format=form, ppi=ppi, sys_inputs=inputs, timestamp=int(time.timestamp()), pdf_tags=False
        )
        pages = made if isinstance(made, list) else [made]
        return [bytes(page) for page in pages if page is not None]
