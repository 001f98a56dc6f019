"""Write the sample library of `quire demo` anew: `python examples/make_samples.py [FOLDER]`.

The documents were written for this project (CC0-1.0). They are about a museum in a harbour that does not
exist, in English, German and Chinese, in the formats people really have. One file is a copy, one an old
version and one a scan without text, because real folders hold those, too.
"""

from __future__ import annotations

import sys
import zipfile
from datetime import datetime
from email.message import EmailMessage
from pathlib import Path
from typing import Any

HANDBOOK = """
<h1>Visitor Handbook</h1>
<p>This handbook is for everyone who works at the front desk of the Northpier Harbour Museum. It says who may
go where, what a visit costs and what to do when something goes wrong.</p>
<h2>Opening hours</h2>
<p>The museum is open from 10:00 to 18:00 every day except Monday. From November to February it closes at 16:30,
because the quay is not lit. The last admission is 45 minutes before closing.</p>
<h2>Tickets</h2>
<table><tr><th>Ticket</th><th>Price</th><th>Note</th></tr>
<tr><td>Adult</td><td>{adult} euros</td><td>includes the lighthouse</td></tr>
<tr><td>Child up to 14</td><td>4 euros</td><td>free with a school class</td></tr>
<tr><td>Family</td><td>25 euros</td><td>two adults, up to four children</td></tr></table>
<p>Tickets for the steam launch are sold on the quay only and are never refunded on the day of the trip.</p>
"""

HANDBOOK_SAFETY = """
<h1>Safety</h1>
<h2>The lighthouse</h2>
<p>At most {gallery} visitors may be on the lighthouse gallery at the same time. The gallery is closed when the
wind reaches force 7, measured at the mast on the roof. Children under six must hold the hand of an adult on
the stairs, which have 164 steps.</p>
<h2>Fire</h2>
<p>When the alarm sounds, all doors unlock by themselves. Lead visitors to the assembly point beside the crane on
the east quay. Do not use the lift. The duty officer counts the staff and reports to the fire brigade.</p>
<h2>First aid</h2>
<p>A defibrillator hangs beside the cloakroom and a second one in the engine hall. Both are tested on the first
Tuesday of each month.</p>
"""

SLIDES = [
    (
        "Season review 2025",
        ["Northpier Harbour Museum", "For the annual meeting of the friends of the museum"],
    ),
    (
        "Visitors",
        [
            "48,200 visitors, 6 per cent more than in 2024",
            "A third came by the new ferry",
            "School classes: 412",
        ],
    ),
    (
        "What went wrong",
        [
            "The steam launch lay still for five weeks: the boiler certificate had run out",
            "Two summer concerts were cancelled because of storms",
        ],
    ),
    (
        "Plans for 2026",
        ["Open the rope walk", "Audio guides in six languages", "Solar roof on the boat shed"],
    ),
]

MINUTES = [
    ("Minutes of the board meeting of 2 October 2025", 1, ""),
    (
        "Budget",
        2,
        "The board approved the budget for 2026 with five votes against one. Marketing keeps its share, while the "
        "travel line is cut by a fifth. The solar roof is paid from the reserve and must not cost more than "
        "86,000 euros.",
    ),
    (
        "Steam launch",
        2,
        "The boiler of the steam launch was inspected in September. Three tubes must be replaced before the season "
        "starts. The harbour authority renews the certificate for two years when the invoice is shown.",
    ),
    (
        "Rope walk",
        2,
        "The rope walk opens on 16 May 2026. Until then the floor is levelled and an emergency exit is built towards "
        "the north quay. The board decided against a café in the building.",
    ),
]

BUDGET = [
    ("Item", "2025 euros", "2026 euros"),
    ("Staff", 512000, 531000),
    ("Energy", 88400, 61200),
    ("Marketing", 45000, 45000),
    ("Travel", 20000, 16000),
    ("Steam launch", 23500, 39800),
    ("Solar roof", 0, 86000),
]

LEASE = """# Mietvertrag über den Bootsschuppen

Zwischen der Hafenbehörde Nordpier als Vermieterin und dem Hafenmuseum Nordpier als Mieter.

## § 1 Mietgegenstand

Vermietet wird der Bootsschuppen am Ostkai mit einer Fläche von 640 Quadratmetern samt Slipanlage und Kran.

## § 2 Mietzeit

Das Mietverhältnis beginnt am 1. April 2024 und endet am 31. März 2034. Es verlängert sich um jeweils zwei Jahre,
wenn es nicht spätestens sechs Monate vor Ablauf schriftlich gekündigt wird.

## § 3 Miete

Die Miete beträgt 1.850 Euro im Monat und ist am dritten Werktag fällig. Heizung und Strom trägt der Mieter.

## § 4 Bauliche Änderungen

Eine Solaranlage auf dem Dach darf nur mit schriftlicher Zustimmung der Hafenbehörde errichtet werden. Der Mieter
haftet für Schäden am Dach, auch wenn sie erst nach dem Ende der Mietzeit entdeckt werden.
"""

ENGINE_ZH = """# 蒸汽艇操作手册

本手册适用于北码头港口博物馆的蒸汽艇“海鸥号”。操作人员必须持有二级锅炉证书。

## 启动锅炉

点火前检查水位，水位必须在玻璃管的中线以上。锅炉升压需要九十分钟，不得用强制通风缩短时间。工作压力为八巴，安全阀在九巴时打开。

## 航行

最多可载乘客二十四人。风力超过五级时不得出航。每次出航前必须向港务局报告，并检查救生衣的数量。

## 停炉

返航后让炉火自然熄灭，不要用水浇灭。压力低于一巴以后才能打开排污阀。每季度清洗一次锅炉管道。
"""

ENERGY = """Energy report 2025
==================

The museum used 214,000 kWh of electricity in 2025, 11 per cent less than the year before.

Where the energy goes
---------------------

The engine hall takes the largest part, 38 per cent, because its heating is electric. Lighting fell from 21 to
14 per cent after all lamps were replaced in spring.

Solar roof
----------

A roof of 300 square metres on the boat shed would yield about 52,000 kWh a year. At the present price the
investment is paid back after nine years. The structural report says that the beams carry the load, but the
covering must be renewed first.
"""

PAGE = """<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><title>Getting here</title>
<style>body { font-family: serif }</style></head><body>
<h1>Getting here</h1>
<p>The museum lies at the end of the north pier. Tram 4 stops at <b>Harbour Gate</b>, from where it is a walk of
six minutes. The ferry from the old town runs every half hour from April to October.</p>
<h2>By wheelchair</h2>
<p>All halls but the lighthouse can be reached without steps. Two wheelchairs can be borrowed at the front desk.
The ramp to the steam launch is too steep at low tide.</p>
<h2>Parking</h2>
<p>There are eight parking spaces on the quay, two of them with a charging point. Buses wait at the fish market.</p>
</body></html>
"""

INVENTORY = [
    ("number", "object", "year", "material", "place"),
    ("A-017", "Sextant in its case", "1884", "brass, mahogany", "navigation room"),
    ("A-031", "Chronometer no. 2208", "1871", "brass, glass", "navigation room"),
    ("B-004", "Diving helmet with twelve bolts", "1902", "copper", "diving cellar"),
    ("B-012", "Air pump for two divers", "1911", "iron, leather", "diving cellar"),
    ("C-001", "Fresnel lens of the third order", "1863", "glass, bronze", "lighthouse"),
    ("C-008", "Fog bell", "1858", "bronze", "north quay"),
]

MAIL = """Dear colleagues,

the structural survey of the boat shed is done. The beams are sound, but the roof covering contains asbestos and has
to be removed by a licensed firm before anything is put on top. The offer is 31,400 euros without tax and holds until
the end of January.

Until the covering is off, nobody may drill into the roof or hang anything from it.

The measurements are attached.
"""

MEASUREMENTS = """Boat shed, measurements of the roof beams

beam 1: moisture 14 per cent, no damage
beam 2: moisture 15 per cent, no damage
beam 3: moisture 22 per cent, rot at the east end, to be watched
beam 4: moisture 14 per cent, no damage
"""


def write_pdf(path: Path, parts: list[str], *, title: str, created: str) -> None:
    """Lay out HTML parts, each from a new page, with an outline made of their headings."""
    import pymupdf

    page = pymupdf.paper_rect("a5")
    frame = pymupdf.Rect(page.x0 + 40, page.y0 + 40, page.x1 - 40, page.y1 - 40)
    writer = pymupdf.DocumentWriter(path)
    outline: list[list[object]] = []
    number = 0

    def note_heading(position: Any) -> None:
        if position.heading and position.open_close & 1:
            outline.append([position.heading, position.text, number])

    for part in parts:
        story = pymupdf.Story(part)
        more = 1
        while more:
            number += 1
            device = writer.begin_page(page)
            more, _ = story.place(frame)
            story.element_positions(note_heading)
            story.draw(device)
            writer.end_page()
    writer.close()
    with pymupdf.open(path) as document:
        document.set_toc(outline)
        document.set_metadata({"title": title, "creationDate": f"D:{created}"})
        content = document.tobytes(garbage=4, deflate=True, no_new_id=True)
    path.write_bytes(content)


def write_scan(path: Path) -> None:
    """A page that is a picture of text, as a scanner makes it."""
    import pymupdf

    with pymupdf.open() as source, pymupdf.open() as scan:
        page = source.new_page(width=420, height=595)
        page.insert_text((50, 80), "Delivery note 2207\n\n3 boiler tubes, 51 mm\n1 gauge glass", fontsize=14)
        picture = page.get_pixmap(dpi=80, colorspace=pymupdf.csGRAY)
        scan.new_page(width=420, height=595).insert_image(page.rect, stream=picture.tobytes("png"))
        path.write_bytes(scan.tobytes(garbage=4, deflate=True, no_new_id=True))


def write_docx(path: Path) -> None:
    """The minutes, with headings and a table."""
    import docx

    document = docx.Document()
    document.core_properties.title = MINUTES[0][0]
    document.core_properties.author = ""
    for heading, level, text in MINUTES:
        document.add_heading(heading, level)
        if text:
            document.add_paragraph(text)
    table = document.add_table(rows=0, cols=2)
    for task, until in (
        ("Order boiler tubes", "15 November 2025"),
        ("Ask the harbour authority about the roof", "1 December 2025"),
    ):
        cells = table.add_row().cells
        cells[0].text, cells[1].text = task, until
    document.save(str(path))


def write_pptx(path: Path) -> None:
    """The season review."""
    import pptx

    deck = pptx.Presentation()
    deck.core_properties.title = SLIDES[0][0]
    for title, points in SLIDES:
        slide = deck.slides.add_slide(deck.slide_layouts[1])
        slide.shapes.title.text = title
        slide.placeholders[1].text = "\n".join(points)
    deck.slides[
        2
    ].notes_slide.notes_text_frame.text = "Say that the new certificate is valid until autumn 2027."
    deck.save(str(path))


def write_xlsx(path: Path) -> None:
    """The budget on two sheets."""
    import xlsxwriter

    with xlsxwriter.Workbook(str(path)) as book:
        book.set_properties({"title": "Budget 2026", "created": datetime(2025, 11, 20, 12)})
        budget = book.add_worksheet("Budget")
        for row, cells in enumerate(BUDGET):
            budget.write_row(row, 0, cells)
        reserve = book.add_worksheet("Reserve")
        reserve.write_row(0, 0, ("Purpose", "euros"))
        reserve.write_row(1, 0, ("Storm damage", 120000))
        reserve.write_row(2, 0, ("Solar roof", 86000))


def write_mail(path: Path) -> None:
    """A message with an attachment."""
    message = EmailMessage()
    message["From"] = "building@northpier-museum.example"
    message["To"] = "board@northpier-museum.example"
    message["Subject"] = "Boat shed: asbestos in the roof"
    message["Date"] = "Tue, 18 Nov 2025 09:12:00 +0100"
    message.set_content(MAIL)
    message.add_attachment(MEASUREMENTS, filename="beams.txt")
    message.set_boundary("northpier-boundary")
    path.write_bytes(message.as_bytes())


def steady(path: Path) -> None:
    """Rewrite a zip container with fixed times, so that the same content gives the same bytes."""
    with zipfile.ZipFile(path) as source:
        members = [(info.filename, source.read(info)) for info in source.infolist()]
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as target:
        for name, content in members:
            target.writestr(zipfile.ZipInfo(name, (2025, 11, 20, 12, 0, 0)), content, zipfile.ZIP_DEFLATED)


def write_samples(folder: Path) -> None:
    """Write every sample document below `folder`."""
    for name in ("handbook", "board", "building", "launch", "collection"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    new = [HANDBOOK.format(adult=11), HANDBOOK_SAFETY.format(gallery=12)]
    old = [HANDBOOK.format(adult=9), HANDBOOK_SAFETY.format(gallery=15)]
    write_pdf(
        folder / "handbook/visitor-handbook-2026.pdf", new, title="Visitor Handbook 2026", created="20251110"
    )
    write_pdf(
        folder / "handbook/visitor-handbook-2023.pdf", old, title="Visitor Handbook 2023", created="20230302"
    )
    (folder / "handbook/getting-here.html").write_text(PAGE, "utf-8")
    write_docx(folder / "board/minutes-2025-10-02.docx")
    write_pptx(folder / "board/season-review.pptx")
    write_xlsx(folder / "board/budget-2026.xlsx")
    for office in ("minutes-2025-10-02.docx", "season-review.pptx", "budget-2026.xlsx"):
        steady(folder / "board" / office)
    (folder / "building/energy-report.rst").write_text(ENERGY, "utf-8")
    (folder / "building/mietvertrag-bootsschuppen.md").write_text(LEASE, "utf-8")
    write_mail(folder / "building/asbestos.eml")
    (folder / "launch/蒸汽艇操作手册.md").write_text(ENGINE_ZH, "utf-8")
    (folder / "launch/蒸汽艇操作手册 副本.md").write_text(ENGINE_ZH, "utf-8")
    write_scan(folder / "launch/delivery-note.pdf")
    rows = "\n".join(",".join(f'"{cell}"' if "," in cell else cell for cell in row) for row in INVENTORY)
    (folder / "collection/inventory.csv").write_text(rows + "\n", "utf-8")


if __name__ == "__main__":
    write_samples(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parents[1] / "tui/samples")
