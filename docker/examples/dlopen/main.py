"""Typeset a page, and ask libmagic what became of it."""

import magic
from weasyprint import HTML

document = HTML(string="<h1>multi-stage</h1>").write_pdf()
print(magic.from_buffer(document, mime=True))
