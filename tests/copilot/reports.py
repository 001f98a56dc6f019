"""Thirty reports in several formats, with what each of them says of thermal conductivity."""

from __future__ import annotations

from email.message import EmailMessage
from pathlib import Path
from typing import NamedTuple

QUESTION = "Which of these reports mention the thermal conductivity, and what value do they give?"

FILLER = (
    "The samples were stored in a dry room for two weeks before the test. Each measurement was repeated "
    "three times by another person. The mass of the sample was 45 g and its density 1.2 g/cm³."
)


class Report(NamedTuple):
    """A report: its file, its paragraphs, what it says; None when it does not mention the matter."""

    name: str
    paragraphs: tuple[str, ...]
    value: str | None
    page: int | None = None


_SAYING = (
    ("The thermal conductivity of the foam is {} at room temperature.", "0.031 W/(m·K)"),
    ("We found a thermal conductivity of {} for the panel; the panel is 40 mm thick.", "0.22 W/mK"),
    ("For this alloy a value of {} was measured for the thermal conductivity in May 2023.", "167 W/mK"),
    ("Thermal and electrical conductivity were measured together. It was {} in the mean.", "58.5 W/mK"),
    ("At 20 °C the thermal conductivity reaches {}.", "1.4 W/(m·K)"),
    ("Measured thermal conductivities lie at {} in all of the series.", "0.5 W/mK"),
)
_MENTIONING = (
    "The thermal conductivity was not determined because the instrument was away.",
    "How the thermal conductivity depends on moisture will be a matter of another study.",
)
_SIMILAR = (
    "Thermal expansion and electrical resistance were measured; the conductivity of the water was 50 µS/cm.",
    "The electrical conductivity is 12 MS/m. Its thermal expansion is 23 ppm/K.",
    "Thermal stability was tested at 180 °C for 6 hours.",
    "The hydraulic conductivity of the soil is 0.3 m per day. Thermal effects were neglected.",
    "Heat capacity is 900 J/kg and emissivity 0.85.",
)

TABLE = (
    "| Property | Value |\n|---|---|\n| Density | 30 kg |\n"
    "| Thermal conductivity | {} |\n| Thickness | 50 mm |\n"
)
HTML_TABLE = (
    "<table><tr><th>Sample</th><th>Thermal conductivity</th></tr><tr><td>A7</td><td>{}</td></tr></table>"
)

_SUFFIXES = ("txt", "md", "html", "docx", "pdf", "eml")


def reports() -> list[Report]:
    """The reports, the same every time."""
    made: list[Report] = []
    for number in range(30):
        name = f"report-{number:02}.{_SUFFIXES[number % len(_SUFFIXES)]}"
        page = 2 if name.endswith("pdf") else None
        kind = number % 5
        if kind in (0, 2):
            sentence, value = _SAYING[(number // 2) % len(_SAYING)]
            made.append(Report(name, (FILLER, sentence.format(value)), value, page))
        elif kind == 4:
            made.append(Report(name, (FILLER, _MENTIONING[number % 2]), "", page))
        else:
            made.append(Report(name, (FILLER, _SIMILAR[number % len(_SIMILAR)]), None))
    # Where the value stands in a table, below a heading, on the line after.
    made[1] = Report(made[1].name, (FILLER, TABLE.format("0.04 W/mK")), "0.04 W/mK")
    made[7] = Report(made[7].name, ("# Thermal conductivity\n\nThe result was 0.8 W/mK.", FILLER), "0.8 W/mK")
    made[8] = Report(made[8].name, (FILLER, HTML_TABLE.format("0.12 W/mK")), "0.12 W/mK")
    return made


def write_reports(folder: Path) -> list[Report]:
    """Write them below a folder."""
    for report in reports():
        _write(folder / report.name, report)
    return reports()


def _write(path: Path, report: Report) -> None:
    title = f"Report {path.stem[-2:]}"
    match path.suffix:
        case ".docx":
            import docx

            document = docx.Document()
            document.add_heading(title, 1)
            for paragraph in report.paragraphs:
                document.add_paragraph(paragraph)
            document.save(str(path))
        case ".pdf":
            import pymupdf

            pdf = pymupdf.open()  # type: ignore[no-untyped-call]
            for paragraph in (f"{title}\n\n{report.paragraphs[0]}", *report.paragraphs[1:]):
                page = pdf.new_page()
                page.insert_textbox(pymupdf.Rect(50, 50, 550, 400), paragraph)  # type: ignore[no-untyped-call]
            pdf.save(path)  # type: ignore[no-untyped-call]
            pdf.close()  # type: ignore[no-untyped-call]
        case ".eml":
            mail = EmailMessage()
            mail["Subject"], mail["From"], mail["To"] = title, "lab@example.org", "board@example.org"
            mail.set_content("\n\n".join(report.paragraphs))
            path.write_bytes(mail.as_bytes())
        case ".html":
            body = "".join(p if p.startswith("<") else f"<p>{p}</p>" for p in report.paragraphs)
            path.write_text(f"<html><title>{title}</title><body><h1>{title}</h1>{body}</body></html>")
        case _:
            path.write_text("\n\n".join([f"# {title}", *report.paragraphs]))
