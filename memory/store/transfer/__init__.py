"""Moving a log between databases: an export is a folder of plain files, and an import proves every link of it."""
