"""Signatures and names by which files are told apart; used by `sniff.py` alone."""

from __future__ import annotations

EXTENSIONS = {
    "md": "markdown", "markdown": "markdown", "mdown": "markdown", "mkd": "markdown", "qmd": "markdown",
    "rmd": "markdown", "mdx": "markdown",
    "rst": "rst", "rest": "rst",
    "adoc": "asciidoc", "asciidoc": "asciidoc", "asc": "asciidoc",
    "org": "org",
    "csv": "csv", "tsv": "tsv", "tab": "tsv",
    "json": "json", "jsonl": "json", "ndjson": "json", "geojson": "json", "jsonld": "json",
    "ipynb": "ipynb",
    "yaml": "yaml", "yml": "yaml",
    "html": "html", "htm": "html", "xhtml": "html", "shtml": "html",
    "xml": "xml", "xsd": "xml", "xsl": "xml", "xslt": "xml", "rss": "xml", "atom": "xml", "docbook": "xml",
    "rdf": "xml", "tei": "xml", "opml": "xml",
    "vtt": "vtt", "srt": "srt", "eml": "eml", "mbox": "mbox",
}  # fmt: skip
"""Extension to format, for text whose content does not tell."""

CODE = frozenset({
    "py", "pyi", "pyx", "ipy", "js", "mjs", "cjs", "jsx", "ts", "tsx", "java", "kt", "kts", "scala",
    "groovy", "c", "h", "cc", "cpp", "cxx", "hpp", "hh", "hxx", "m", "mm", "cs", "go", "rs", "rb", "php",
    "pl", "pm", "sh", "bash", "zsh", "fish", "ps1", "bat", "cmd", "lua", "r", "jl", "swift", "dart", "ex",
    "exs", "erl", "hrl", "hs", "lhs", "ml", "mli", "fs", "fsx", "clj", "cljs", "lisp", "el", "scm", "rkt",
    "vim", "sql", "css", "scss", "sass", "less", "vue", "svelte", "toml", "ini", "cfg", "conf", "cmake",
    "mk", "gradle", "tf", "proto", "thrift", "graphql", "asm", "s", "f", "f90", "f95", "f03", "for", "pas",
    "d", "nim", "zig", "v", "vhd", "vhdl", "sv", "cob", "cbl", "ada", "adb", "ads", "awk", "sed", "tcl",
    "nix", "dockerfile", "makefile", "sty", "cls", "bib", "bst",
})  # fmt: skip
"""Extensions of source code and configuration."""
CODE_NAMES = frozenset(
    {"makefile", "dockerfile", "cmakelists.txt", "jenkinsfile", "vagrantfile", "gemfile", "rakefile"}
)

IMAGES = (
    b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"GIF87a", b"GIF89a", b"II*\x00", b"MM\x00*", b"II+\x00",
    b"MM\x00+", b"\x00\x00\x00\x0cjP  ", b"\xffO\xffQ", b"\x00\x00\x01\x00",
)  # fmt: skip
OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
OLE_STREAMS = (
    ("EncryptedPackage", "encrypted"), ("EncryptionInfo", "encrypted"), ("WordDocument", "doc"),
    ("PowerPoint Document", "ppt"), ("Workbook", "xls"), ("Book", "xls"), ("__properties_version1.0", "msg"),
)  # fmt: skip
"""Names in the directory of an OLE container that tell what it is; the first one found counts."""
IWORK = frozenset({"Index.zip", "index.apxl", ".iwph", "buildVersionHistory.plist"})
"""Members of Apple's Pages, Numbers and Keynote packages."""
ODF = {
    "opendocument.text": "odt", "opendocument.presentation": "odp", "opendocument.spreadsheet": "ods",
    "epub+zip": "epub",
}  # fmt: skip
OOXML = (
    (b"wordprocessingml", "docx"),
    (b"presentationml", "pptx"),
    (b"sheet.binary", "xlsb"),
    (b"spreadsheetml", "xlsx"),
    (b"ms-word.", "docx"),
    (b"ms-powerpoint.", "pptx"),
    (b"ms-excel.", "xlsx"),
)
"""Parts of media types in `[Content_Types].xml`, the more telling ones first."""
UNPACK = "Unpack it into the folder to make its files searchable."
CONVERT = "Convert it to PDF to make it searchable."
KNOWN = (
    (b"\x1f\x8b", "a gzip archive", UNPACK),
    (b"BZh", "a bzip2 archive", UNPACK),
    (b"\xfd7zXZ\x00", "an xz archive", UNPACK),
    (b"7z\xbc\xaf'\x1c", "a 7-Zip archive", UNPACK),
    (b"Rar!\x1a\x07", "a RAR archive", UNPACK),
    (b"(\xb5/\xfd", "a Zstandard archive", UNPACK),
    (b"\x7fELF", "a program", ""),
    (b"MZ", "a Windows program", ""),
    (b"\xca\xfe\xba\xbe", "a program", ""),
    (b"\xcf\xfa\xed\xfe", "a program", ""),
    (b"SQLite format 3\x00", "an SQLite database", "Export its tables as CSV."),
    (b"AT&TFORM", "a DjVu document", CONVERT),
    (b"8BPS", "a Photoshop image", CONVERT),
    (b"%!PS", "a PostScript document", "Convert it with ps2pdf to make it searchable."),
    (b"\x04%!PS", "a PostScript document", "Convert it with ps2pdf to make it searchable."),
    (b"PAR1", "a Parquet table", "Export it as CSV."),
    (b"OggS", "an audio or video file", ""),
    (b"fLaC", "an audio file", ""),
    (b"ID3", "an audio file", ""),
    (b"\x1aE\xdf\xa3", "a video file", ""),
    (b"ITSF", "a compiled help file", "Unpack it with extract_chmLib."),
    (b"\xffWPC", "a WordPerfect document", CONVERT),
    (b"wOFF", "a font", ""),
    (b"wOF2", "a font", ""),
    (b"OTTO", "a font", ""),
    (b"\x00\x01\x00\x00\x00", "a font", ""),
    (b"!<arch>", "a program library", ""),
    (b"\x00asm", "a program", ""),
)
"""Signatures of what cannot be read, its name for a person, and the remedy."""
BINARY_EXTENSIONS = frozenset({
    "pdf", "docx", "docm", "doc", "xlsx", "xlsm", "xlsb", "xls", "pptx", "pptm", "ppt", "odt", "ods", "odp",
    "epub", "msg", "rtf", "zip", "png", "jpg", "jpeg", "gif", "tif", "tiff",
})  # fmt: skip
"""Names that promise a format with a signature."""
