"""Claims made to deceive a mechanical check, each with a true twin: what stands in a passage, what does not.

One row a passage: its language, its text, what may be said of it and what may not.
"""

# ruff: noqa: E501 - a table of sentences
from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Row:
    """A passage with claims."""

    about: str
    language: str
    passage: str
    true: tuple[str, ...]
    false: tuple[str, ...]


ROWS = (
    # --- numbers, scales, currencies
    Row(
        "scales", "en", "The programme reached 1.2 million households in its first year.",
        ("The programme reached 1,200,000 households in its first year.",
         "In its first year the programme reached 1.2m households."),
        ("The programme reached 1.2 billion households in its first year.",
         "The programme reached 12 million households in its first year.",
         "The programme reached 1,200 households in its first year.",
         "The programme reached 120,000 households in its first year."),
    ),
    Row(
        "scales", "de", "Das Programm erreichte im ersten Jahr 1,2 Mio. Haushalte.",
        ("Das Programm erreichte im ersten Jahr 1.200.000 Haushalte.",
         "Das Programm erreichte im ersten Jahr 1,2 Millionen Haushalte."),
        ("Das Programm erreichte im ersten Jahr 1,2 Mrd. Haushalte.",
         "Das Programm erreichte im ersten Jahr 12 Millionen Haushalte.",
         "Das Programm erreichte im ersten Jahr 1.200 Haushalte."),
    ),
    Row(
        "scales", "zh", "该计划第一年覆盖了120万户家庭。",
        ("该计划第一年覆盖了1200000户家庭。", "该计划第一年覆盖了一百二十万户家庭。"),
        ("该计划第一年覆盖了120亿户家庭。", "该计划第一年覆盖了12万户家庭。", "该计划第一年覆盖了1200万户家庭。"),
    ),
    Row(
        "scales", "es", "El programa llegó a 1,2 millones de hogares en su primer año.",
        ("El programa llegó a 1.200.000 hogares en su primer año.",),
        ("El programa llegó a 1,2 mil millones de hogares en su primer año.",
         "El programa llegó a 1.200 hogares en su primer año."),
    ),
    Row(
        "scales", "fr", "Le programme a touché 1,2 million de foyers la première année.",
        ("Le programme a touché 1 200 000 foyers la première année.",),
        ("Le programme a touché 1,2 milliard de foyers la première année.",
         "Le programme a touché 1 200 foyers la première année."),
    ),
    Row(
        "currencies", "en", "The licence costs $4,500 a year for each site.",
        ("The licence costs 4,500 dollars a year for each site.",
         "For each site the licence costs USD 4,500 a year."),
        ("The licence costs €4,500 a year for each site.",
         "The licence costs £4,500 a year for each site.",
         "The licence costs $4,500 a month for each site.",
         "The licence costs $45,000 a year for each site."),
    ),
    Row(
        "thousands", "en", "The company spent $350k on the new plant.",
        ("The company spent $350,000 on the new plant.",),
        ("The company spent $350 million on the new plant.", "The company spent $350 on the new plant."),
    ),
    Row(
        "units", "en", "The tank holds 400 litres and weighs 85 kg when empty.",
        ("The tank weighs 85 kg when empty.", "When empty, the tank weighs 85,000 g and it holds 400 litres."),
        ("The tank weighs 400 kg when empty.", "The tank holds 85 litres.",
         "The tank holds 400 gallons.", "The tank weighs 85 lb when empty."),
    ),
    # --- shares
    Row(
        "percentage points", "en", "Turnout rose by 5 percentage points to 62 percent.",
        ("Turnout rose to 62 percent.", "Turnout rose by five percentage points to 62 %."),
        ("Turnout rose by 5 percent to 62 percent.", "Turnout rose by 62 percent.",
         "Turnout rose by 62 percentage points to 5 percent."),
    ),
    Row(
        "percentage points", "de", "Die Quote stieg um 5 Prozentpunkte auf 62 Prozent.",
        ("Die Quote stieg um fünf Prozentpunkte auf 62 %.",),
        ("Die Quote stieg um 5 Prozent auf 62 Prozent.",),
    ),
    Row(
        "percentage points", "zh", "投票率上升了5个百分点，达到62%。",
        ("投票率上升了五个百分点，达到百分之六十二。",),
        ("投票率上升了5%，达到62%。",),
    ),
    # --- ranges
    Row(
        "ranges", "en", "The repair takes between 3 and 5 working days.",
        ("The repair takes from 3 to 5 working days.", "The repair takes 3–5 working days."),
        ("The repair takes between 3 and 6 working days.", "The repair takes 5 working days.",
         "The repair takes 3 working days.", "The repair takes at least 5 working days.",
         "The repair takes 4 working days."),
    ),
    Row(
        "ranges", "de", "Die Reparatur dauert zwischen 3 und 5 Werktagen.",
        ("Die Reparatur dauert 3 bis 5 Werktage.",),
        ("Die Reparatur dauert 5 Werktage.", "Die Reparatur dauert zwischen 3 und 6 Werktagen."),
    ),
    # --- ordinals
    Row(
        "ordinals", "en", "The Larch Hotel was the third building to be restored in the old town.",
        ("The Larch Hotel was the 3rd building to be restored in the old town.",),
        ("The Larch Hotel was the second building to be restored in the old town.",
         "The Larch Hotel was the first building to be restored in the old town.",
         "The Larch Hotel was the last building to be restored in the old town."),
    ),
    # --- dates
    Row(
        "dates", "en", "The agreement was signed on 3 October 2025 in the town hall.",
        ("The agreement was signed on October 3, 2025 in the town hall.",
         "The agreement was signed on 2025-10-03 in the town hall.",
         "The agreement was signed in October 2025 in the town hall.",
         "The agreement was signed in 2025 in the town hall."),
        ("The agreement was signed on 10 March 2025 in the town hall.",
         "The agreement was signed on 4 October 2025 in the town hall.",
         "The agreement was signed on 3 October 2024 in the town hall.",
         "The agreement was signed on 2025-03-10 in the town hall.",
         "The agreement was signed in November 2025 in the town hall."),
    ),
    Row(
        "dates", "en", "The agreement was signed on 10/3/2025 in the town hall.",
        ("The agreement was signed on 3 October 2025 in the town hall.",
         "The agreement was signed on 10 March 2025 in the town hall."),
        ("The agreement was signed on 11 March 2025 in the town hall.",
         "The agreement was signed on 10/4/2025 in the town hall."),
    ),
    Row(
        "dates", "de", "Der Vertrag wurde am 3.10.2025 im Rathaus unterzeichnet.",
        ("Der Vertrag wurde am 3. Oktober 2025 im Rathaus unterzeichnet.",
         "Der Vertrag wurde am 03.10.2025 im Rathaus unterzeichnet."),
        ("Der Vertrag wurde am 10. März 2025 im Rathaus unterzeichnet.",
         "Der Vertrag wurde am 3.11.2025 im Rathaus unterzeichnet."),
    ),
    Row(
        "dates", "zh", "协议于2025年10月3日在市政厅签署。",
        ("协议于二〇二五年十月三日在市政厅签署。",),
        ("协议于2025年3月10日在市政厅签署。", "协议于2024年10月3日在市政厅签署。"),
    ),
    Row(
        "dates", "fr", "L’accord a été signé le 3 octobre 2025 à l’hôtel de ville.",
        ("L’accord a été signé le 03/10/2025 à l’hôtel de ville.",),
        ("L’accord a été signé le 3 novembre 2025 à l’hôtel de ville.",),
    ),
    Row(
        "quarters", "en", "Revenue of the northern region reached 40 million euros in Q3 2025.",
        ("In the third quarter of 2025 revenue of the northern region reached 40 million euros.",
         "Revenue of the northern region reached 40 million euros in Q3 2025."),
        ("Revenue of the northern region reached 40 million euros in Q2 2025.",
         "In the second quarter of 2025 revenue of the northern region reached 40 million euros.",
         "Revenue of the northern region reached 40 million euros in Q3 2024."),
    ),
    Row(
        "quarters", "de", "Der Umsatz der Region Nord erreichte im dritten Quartal 2025 40 Millionen Euro.",
        ("Im 3. Quartal 2025 erreichte der Umsatz der Region Nord 40 Millionen Euro.",
         "Der Umsatz der Region Nord erreichte in Q3 2025 40 Millionen Euro."),
        ("Im 4. Quartal 2025 erreichte der Umsatz der Region Nord 40 Millionen Euro.",),
    ),
    Row(
        "years", "en", "The mill opened in 1892. It burned down the following year.",
        ("The mill burned down the following year.", "The mill opened in 1892."),
        ("The mill burned down in 1892.", "The mill opened in 1893 and burned down in 1894."),
    ),
    Row(
        "weekdays", "en", "The library is closed on Mondays and opens at 10 a.m. on Saturdays.",
        ("On Saturdays the library opens at 10 a.m.", "The library is closed on Mondays."),
        ("The library is closed on Tuesdays.", "The library opens at 10 p.m. on Saturdays.",
         "The library opens at 9 a.m. on Saturdays.", "The library is closed on Saturdays."),
    ),
    Row(
        "weekdays", "de", "Die Bibliothek ist montags geschlossen.",
        ("Montags ist die Bibliothek geschlossen.",),
        ("Dienstags ist die Bibliothek geschlossen.", "Die Bibliothek ist montags geöffnet."),
    ),
    # --- negation
    Row(
        "not only", "en", "The grant covers not only travel costs but also fees for the conference.",
        ("The grant covers travel costs and fees for the conference.",
         "The grant covers travel costs and also conference fees."),
        ("The grant does not cover travel costs.", "The grant covers only travel costs.",
         "The grant covers travel costs but not fees for the conference."),
    ),
    Row(
        "negation", "en", "Visitors may take photographs in the garden but not in the chapel.",
        ("Visitors may take photographs in the garden.",
         "Visitors may not take photographs in the chapel."),
        ("Visitors may not take photographs in the garden.",
         "Visitors may take photographs in the chapel."),
    ),
    Row(
        "negation", "en", "No member of the committee voted against the plan.",
        ("No member of the committee voted against the plan.",),
        ("A member of the committee voted against the plan.",
         "Every member of the committee voted against the plan."),
    ),
    Row(
        "negation", "de", "Haustiere sind in der Wohnung nicht erlaubt.",
        ("In der Wohnung sind Haustiere nicht erlaubt.", "In der Wohnung sind keine Haustiere erlaubt."),
        ("Haustiere sind in der Wohnung erlaubt.",),
    ),
    Row(
        "negation", "fr", "Les animaux ne sont pas admis dans l’appartement.",
        ("Dans l’appartement, les animaux ne sont pas admis.",),
        ("Les animaux sont admis dans l’appartement.",),
    ),
    Row(
        "negation", "es", "No se permiten mascotas en el apartamento.",
        ("En el apartamento no se permiten mascotas.",),
        ("En el apartamento se permiten mascotas.",),
    ),
    Row(
        "negation", "zh", "公寓内不允许饲养宠物。",
        ("公寓里不允许养宠物。",),
        ("公寓内允许饲养宠物。",),
    ),
    Row(
        "negated prefix", "en", "The contract is valid until the end of the year.",
        ("The contract is valid until the end of the year.",),
        ("The contract is invalid until the end of the year.",
         "The contract is no longer valid at the end of the year."),
    ),
    Row(
        "without", "en", "Members can enter the archive without an appointment.",
        ("Members can enter the archive without an appointment.",),
        ("Members can enter the archive with an appointment only.",
         "Members cannot enter the archive without an appointment."),
    ),
    # --- quantifiers and comparatives
    Row(
        "quantifiers", "en", "Most of the 48 apartments were sold before the house was finished.",
        ("Most of the 48 apartments were sold before the house was finished.",),
        ("All of the 48 apartments were sold before the house was finished.",
         "None of the 48 apartments were sold before the house was finished.",
         "Few of the 48 apartments were sold before the house was finished.",
         "Most of the 48 apartments were sold after the house was finished."),
    ),
    Row(
        "comparatives", "en", "The bridge carries more than 900 lorries a day.",
        ("The bridge carries over 900 lorries a day.", "More than 900 lorries a day are carried by the bridge."),
        ("The bridge carries fewer than 900 lorries a day.", "The bridge carries less than 900 lorries a day.",
         "The bridge carries at most 900 lorries a day.", "The bridge carries exactly 900 lorries a day."),
    ),
    Row(
        "at least", "en", "Applicants need at least five years of experience.",
        ("Applicants need five or more years of experience.", "Applicants need a minimum of 5 years of experience."),
        ("Applicants need at most five years of experience.", "Applicants need less than five years of experience.",
         "Applicants need up to five years of experience."),
    ),
    Row(
        "at least", "de", "Bewerber brauchen mindestens fünf Jahre Erfahrung.",
        ("Bewerber brauchen wenigstens 5 Jahre Erfahrung.",),
        ("Bewerber brauchen höchstens fünf Jahre Erfahrung.", "Bewerber brauchen weniger als fünf Jahre Erfahrung."),
    ),
    Row(
        "at least", "zh", "申请人需要至少五年工作经验。",
        ("申请人需要最少5年工作经验。",),
        ("申请人需要最多五年工作经验。", "申请人需要不到五年工作经验。"),
    ),
    Row(
        "larger", "en", "The east wing is larger than the west wing.",
        ("The east wing is larger than the west wing.", "The west wing is smaller than the east wing."),
        ("The west wing is larger than the east wing.", "The east wing is smaller than the west wing."),
    ),
    # --- roles
    Row(
        "roles", "en", "Harmon Textiles sued Delby Foods over the lease of the warehouse.",
        ("Delby Foods was sued by Harmon Textiles over the lease of the warehouse.",
         "Harmon Textiles sued Delby Foods over the lease of the warehouse."),
        ("Delby Foods sued Harmon Textiles over the lease of the warehouse.",
         "Harmon Textiles was sued by Delby Foods over the lease of the warehouse."),
    ),
    Row(
        "roles", "en", "Ms Weber reports to Mr Ito, who leads the team in Lyon.",
        ("Mr Ito leads the team in Lyon.", "Ms Weber reports to Mr Ito."),
        ("Mr Ito reports to Ms Weber.",),
    ),
    Row(
        "roles", "de", "Die Firma Harmon verklagte die Firma Delby wegen des Mietvertrags.",
        ("Die Firma Delby wurde von der Firma Harmon wegen des Mietvertrags verklagt.",),
        ("Die Firma Delby verklagte die Firma Harmon wegen des Mietvertrags.",),
    ),
    Row(
        "roles", "es", "Harmon demandó a Delby por el contrato del almacén.",
        ("Delby fue demandado por Harmon por el contrato del almacén.",),
        ("Delby demandó a Harmon por el contrato del almacén.",),
    ),
    Row(
        "roles", "fr", "Harmon a poursuivi Delby pour le bail de l’entrepôt.",
        ("Delby a été poursuivi par Harmon pour le bail de l’entrepôt.",),
        ("Delby a poursuivi Harmon pour le bail de l’entrepôt.",),
    ),
    Row(
        "routes", "en", "The ferry runs from Port Merrow to Esker in 45 minutes.",
        ("The ferry from Port Merrow to Esker takes 45 minutes.",),
        ("The ferry runs from Esker to Port Merrow in 45 minutes.",),
    ),
    Row(
        "paired values", "en", "Anna Berg earned 40,000 euros and Karl Ott earned 52,000 euros.",
        ("Karl Ott earned 52,000 euros.", "Anna Berg earned 40,000 euros."),
        ("Karl Ott earned 40,000 euros.", "Anna Berg earned 52,000 euros.",
         "Anna Berg earned 52,000 euros and Karl Ott earned 40,000 euros."),
    ),
    Row(
        "paired values", "en", "Revenue was 40 million euros in 2023 and 52 million euros in 2024.",
        ("In 2024 revenue was 52 million euros.", "Revenue was 40 million euros in 2023."),
        ("In 2024 revenue was 40 million euros.", "Revenue was 52 million euros in 2023."),
    ),
    # --- hedges
    Row(
        "hedges", "en", "The council may close the swimming pool during the winter.",
        ("The council may close the swimming pool during the winter.",
         "The council might close the swimming pool during the winter.",
         "During the winter the council could close the swimming pool."),
        ("The council will close the swimming pool during the winter.",
         "The council must close the swimming pool during the winter.",
         "The council has closed the swimming pool during the winter."),
    ),
    Row(
        "hedges", "en", "The tenant should inform the landlord of any damage.",
        ("The tenant should inform the landlord of any damage.",),
        ("The tenant need not inform the landlord of any damage.",
         "The tenant has not informed the landlord of any damage."),
    ),
    Row(
        "hedges", "de", "Der Rat kann das Schwimmbad im Winter schließen.",
        ("Im Winter kann der Rat das Schwimmbad schließen.",),
        ("Der Rat muss das Schwimmbad im Winter schließen.", "Der Rat wird das Schwimmbad im Winter schließen."),
    ),
    Row(
        "hedges", "en", "The delay was probably caused by a broken sensor.",
        ("The delay was probably caused by a broken sensor.",),
        ("The delay was certainly caused by a broken sensor.",),
    ),
    Row(
        "plans", "en", "The board plans to open a second office in Tilburg.",
        ("The board plans to open a second office in Tilburg.", "A second office is planned in Tilburg."),
        ("The board opened a second office in Tilburg.", "The board has opened a second office in Tilburg."),
    ),
    # --- names
    Row(
        "names", "en", "The report was written by Dr Ingrid Solheim of the University of Bergen.",
        ("Dr Ingrid Solheim of the University of Bergen wrote the report.",),
        ("The report was written by Dr Astrid Solheim of the University of Bergen.",
         "The report was written by Dr Ingrid Solheim of the University of Oslo.",
         "The report was written by Professor Magnus Lie of the University of Bergen."),
    ),
    Row(
        "products", "en", "The HX-200 pump is used in the north hall and the HX-300 pump in the south hall.",
        ("The HX-300 pump is used in the south hall.",),
        ("The HX-300 pump is used in the north hall.", "The HX-400 pump is used in the south hall."),
    ),
    # --- a true beginning with a wrong end
    Row(
        "appended", "en", "The museum was founded in 1931 by Clara Dunmore. It holds 12,000 paintings.",
        ("The museum was founded in 1931 by Clara Dunmore.",
         "The museum was founded in 1931 by Clara Dunmore and holds 12,000 paintings."),
        ("The museum was founded in 1931 by Clara Dunmore and holds 15,000 paintings.",
         "The museum was founded in 1931 by Clara Dunmore and was moved to Lisbon after the war.",
         "The museum was founded in 1931 by Clara Dunmore because the city wanted to attract tourists."),
    ),
    Row(
        "appended", "de", "Das Museum wurde 1931 von Clara Dunmore gegründet. Es besitzt 12.000 Gemälde.",
        ("Das Museum wurde 1931 von Clara Dunmore gegründet und besitzt 12.000 Gemälde.",),
        ("Das Museum wurde 1931 von Clara Dunmore gegründet und besitzt 15.000 Gemälde.",
         "Das Museum wurde 1931 von Clara Dunmore gegründet und nach dem Krieg nach Lissabon verlegt."),
    ),
    Row(
        "appended", "zh", "博物馆由李明于1931年创立，收藏了12000幅画作。",
        ("博物馆由李明于1931年创立。", "博物馆收藏了12000幅画作。"),
        ("博物馆由李明于1931年创立，收藏了15000幅画作。", "博物馆由王芳于1931年创立。",
         "博物馆由李明于1941年创立，收藏了12000幅画作。"),
    ),
    Row(
        "causes", "en", "The factory closed because the price of copper had fallen.",
        ("The factory closed because the price of copper had fallen.",),
        ("The factory closed although the price of copper had fallen.",
         "The factory closed because the price of copper had risen.",
         "The factory did not close because the price of copper had fallen."),
    ),
    Row(
        "conditions", "en", "The deposit is returned if the flat is left clean.",
        ("The deposit is returned if the flat is left clean.",),
        ("The deposit is returned unless the flat is left clean.",
         "The deposit is returned even if the flat is not left clean."),
    ),
    Row(
        "exceptions", "en", "All rooms except the kitchen were painted in May.",
        ("All rooms except the kitchen were painted in May.",),
        ("All rooms including the kitchen were painted in May.", "The kitchen was painted in May.",
         "All rooms were painted in May."),
    ),
    # --- written after the others, for what was not thought of
    Row(
        "permissions", "en", "Tenants may sublet one room with the landlord's consent.",
        ("Tenants are allowed to sublet one room with the landlord's consent.",
         "Tenants can sublet one room if the landlord consents.",
         "With the landlord's consent, tenants may sublet one room."),
        ("Tenants must sublet one room.",
         "Tenants may sublet two rooms with the landlord's consent.",
         "Tenants may sublet one room without the landlord's consent."),
    ),
    Row(
        "changes", "en", "The fine rises from 50 to 120 euros after the second warning.",
        ("After the second warning the fine is 120 euros.",
         "The fine rises to 120 euros after the second warning."),
        ("The fine rises by 120 euros after the second warning.",
         "The fine rises to 120 euros after the first warning."),
    ),
    Row(
        "counts", "en", "The kit contains two brushes, a 500 ml bottle and three cloths.",
        ("The kit contains a 500 ml bottle.",
         "The kit contains three cloths and two brushes."),
        ("The kit contains three brushes and two cloths.",
         "The kit contains a 750 ml bottle."),
    ),
    Row(
        "pairs of dates", "en", "The course begins on Monday, 5 May 2025 and ends on Friday, 9 May 2025.",
        ("The course ends on 9 May 2025.",
         "The course begins on 5 May 2025."),
        ("The course begins on 9 May 2025.",
         "The course ends on 5 May 2025.",
         "The course begins on Tuesday, 5 May 2025."),
    ),
    Row(
        "roles", "en", "Lena Roth succeeded Paul Adler as director in 2019.",
        ("In 2019 Lena Roth succeeded Paul Adler as director.",
         "Paul Adler was succeeded by Lena Roth in 2019."),
        ("Paul Adler succeeded Lena Roth as director in 2019.",
         "Lena Roth was succeeded by Paul Adler in 2019."),
    ),
    Row(
        "places", "en", "In Geneva, Lena Roth met the delegates from Kenya.",
        ("Lena Roth met the delegates from Kenya in Geneva.",),
        ("In Kenya, Lena Roth met the delegates from Geneva.",),
    ),
    Row(
        "comparisons", "en", "Model B is 20 percent cheaper than Model A.",
        ("Model B is 20 % cheaper than Model A.",),
        ("Model A is 20 percent cheaper than Model B.",
         "Model B is 20 percent cheaper than Model C."),
    ),
    Row(
        "negation", "en", "The insurance does not cover damage caused by floods.",
        ("Damage caused by floods is not covered by the insurance.",
         "The insurance does not cover flood damage."),
        ("The insurance covers damage caused by floods.",
         "Damage caused by floods is covered by the insurance."),
    ),
    Row(
        "conditions", "en", "If the payment is late, a fee of 25 euros is charged.",
        ("A fee of 25 euros is charged if the payment is late.",
         "When the payment is late, a fee of 25 euros is charged."),
        ("A fee of 25 euros is charged even if the payment is not late.",
         "If the payment is late, no fee is charged."),
    ),
    Row(
        "German", "de", "Die Jahresmiete stieg 2022 von 9.600 auf 10.200 Euro.",
        ("Die Jahresmiete stieg 2022 auf 10.200 Euro.",),
        ("Die Jahresmiete stieg 2022 um 10.200 Euro.",
         "Die Jahresmiete sank 2022 auf 10.200 Euro."),
    ),
    Row(
        "German", "de", "Der Antrag muss spätestens am 15. Januar 2026 bei Frau Lindner eingehen.",
        ("Bis zum 15. Januar 2026 muss der Antrag bei Frau Lindner eingehen.",),
        ("Der Antrag muss spätestens am 25. Januar 2026 bei Frau Lindner eingehen.",
         "Der Antrag muss spätestens am 15. Januar 2026 bei Frau Albers eingehen."),
    ),
    Row(
        "periods", "fr", "La cotisation annuelle s’élève à 85 euros par membre.",
        ("La cotisation est de 85 euros par membre et par an.",),
        ("La cotisation mensuelle s’élève à 85 euros par membre.",
         "La cotisation annuelle s’élève à 58 euros par membre."),
    ),
    Row(
        "at most", "es", "El plazo de entrega es de diez días hábiles como máximo.",
        ("El plazo de entrega es de 10 días hábiles como máximo.",),
        ("El plazo de entrega es de diez días hábiles como mínimo.",
         "El plazo de entrega es de doce días hábiles como máximo."),
    ),
    Row(
        "places", "zh", "会议将于2026年4月15日在成都举行，由王芳主持。",
        ("会议将于2026年4月15日在成都举行。",),
        ("会议将于2026年4月15日在上海举行。",
         "会议将由李明主持。",
         "会议将于2026年5月15日在成都举行。"),
    ),
    Row(
        "only", "en", "Only employees with a badge may use the car park.",
        ("Only employees with a badge may use the car park.",
         "The car park may be used only by employees with a badge."),
        ("All employees may use the car park.",
         "Employees without a badge may use the car park."),
    ),
    Row(
        "until", "en", "The exhibition is open until 30 June, except on public holidays.",
        ("The exhibition is open until 30 June.",
         "The exhibition is open until 30 June except on public holidays."),
        ("The exhibition is open from 30 June.",
         "The exhibition is open on public holidays until 30 June."),
    ),
    Row(
        "halves", "en", "Sales fell 12 % in the first half and recovered by 4 % in the second half.",
        ("In the first half sales fell by 12 percent.",
         "Sales recovered by 4 % in the second half."),
        ("Sales fell 12 % in the second half.",
         "Sales recovered by 12 % in the second half.",
         "Sales rose 12 % in the first half."),
    ),
    Row(
        "hedges", "en", "The vaccine could reduce infections by up to 70 percent.",
        ("The vaccine could reduce infections by up to 70 percent.",
         "The vaccine may reduce infections by as much as 70 percent."),
        ("The vaccine reduces infections by 70 percent.",
         "The vaccine will reduce infections by at least 70 percent."),
    ),
    Row(
        "about", "en", "About 300 volunteers planted roughly 12,000 trees.",
        ("Around 300 volunteers planted some 12,000 trees.",
         "Approximately 300 volunteers planted 12,000 trees."),
        ("About 3,000 volunteers planted 12,000 trees.",
         "About 300 volunteers planted 1,200 trees."),
    ),
    Row(
        "at least", "en", "The password must have at least 12 characters and is changed every 90 days.",
        ("The password is changed every 90 days.",
         "The password must be at least 12 characters long."),
        ("The password must have at most 12 characters.",
         "The password is changed every 60 days.",
         "The password may have 12 characters or fewer."),
    ),
    Row(
        "parts of a number", "en", "Three of the five judges agreed with the ruling; two dissented.",
        ("Two of the five judges dissented.",
         "Three judges agreed with the ruling."),
        ("All five judges agreed with the ruling.",),
    ),
)  # fmt: skip
