"""The agreement as a document to hand to a member: PDFs from templates, kept with the version they were made from."""
