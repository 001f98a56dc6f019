"""Sound texts in ten languages, and the same texts damaged in the ways that happen to real files; seeded."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping

SOUND: Mapping[str, str] = {
    "en": """The board met on Tuesday to discuss the budget for the coming year. Several members asked why the
cost of heating had risen so sharply since the last report. The treasurer explained that the
contract with the supplier ended in March. “We expected this,” she said, “and we have set money
aside.” The roof of the old hall will be repaired before winter comes. Volunteers are welcome to
help with the garden on the first weekend of each month. Nobody objected to the plan, although two
members would like to see another quote. The minutes of the previous meeting were read and approved.
Visitors should use the entrance on the north side while the work goes on. The next meeting takes
place in October.""",
    "de": """\
Der Vorstand traf sich am Dienstag, um über den Haushalt für das kommende Jahr zu sprechen. Mehrere
Mitglieder fragten, warum die Kosten für die Heizung so stark gestiegen sind. Die Schatzmeisterin
erklärte, dass der Vertrag mit dem Versorger im März endete. „Das haben wir erwartet“, sagte sie,
„und Rücklagen gebildet.“ Das Dach der alten Halle wird vor dem Winter ausgebessert. Freiwillige
können gern im Garten helfen, jeweils am ersten Wochenende des Monats. Niemand hatte Einwände gegen
den Plan, obwohl zwei Mitglieder ein weiteres Angebot wünschen. Gäste benutzen während der Arbeiten
bitte den Eingang auf der Nordseite. Die nächste Sitzung findet im Oktober statt. Über die Gebühren
wird später entschieden.""",
    "fr": """Le conseil s’est réuni mardi pour discuter du budget de l’année à venir. Plusieurs membres ont
demandé pourquoi le coût du chauffage avait tant augmenté depuis le dernier rapport. La trésorière a
expliqué que le contrat avec le fournisseur s’était achevé en mars. « Nous nous y attendions »,
a-t-elle précisé. Le toit de la vieille salle sera réparé avant l’hiver. Les bénévoles sont les
bienvenus pour aider au jardin chaque premier week-end du mois. Personne ne s’est opposé au projet,
même si deux membres souhaitent un autre devis. Les visiteurs emprunteront l’entrée située côté nord
pendant les travaux. La prochaine réunion aura lieu en octobre. Le procès-verbal a été approuvé à
l’unanimité.""",
    "es": """La junta se reunió el martes para hablar del presupuesto del próximo año. Varios miembros
preguntaron por qué había subido tanto el coste de la calefacción desde el último informe. La
tesorera explicó que el contrato con el proveedor terminó en marzo. «Ya lo esperábamos», señaló, «y
hemos ahorrado dinero». El tejado de la sala antigua se reparará antes del invierno. Los voluntarios
pueden ayudar en el jardín el primer fin de semana de cada mes. Nadie se opuso al plan, aunque dos
miembros querrían ver otro presupuesto. Los visitantes usarán la entrada del lado norte durante las
obras. La próxima reunión será en octubre. El año pasado asistieron más personas que este.""",
    "zh": """\
董事会星期二召开会议，讨论明年的预算。几位成员问，为什么取暖费用从上次报告以来涨了这么多。财务主管解释说
，与供应商的合同在三月结束了。她说：“我们早就料到了，也留出了资金。”旧礼堂的屋顶将在冬天以前修好。欢迎
志愿者在每个月的第一个周末来花园帮忙。没有人反对这个计划，不过有两位成员希望再看一份报价。施工期间，访客
请走北边的入口。下一次会议在十月举行。会上还宣读并通过了上次会议的记录。大家认为，新的时间安排对学校和家
庭都更方便。我们需要更多的人来参加这项工作，因为要做的事情还有很多。如果天气不好，活动就改在室内进行。""",
    "ja": """\
理事会は火曜日に集まり、来年の予算について話し合いました。何人かの会員は、前回の報告から暖房費がなぜこれ
ほど上がったのかと尋ねました。会計係は、業者との契約が三月で終わったと説明しました。「予想していたことな
ので、お金を用意してあります」と彼女は言いました。古い講堂の屋根は冬になる前に修理されます。毎月最初の週
末に、庭の手入れを手伝ってくださる方を歓迎します。計画に反対する人はいませんでしたが、二人の会員が別の見
積もりを見たいと言いました。工事の間、来客は北側の入口を使ってください。次の会議は十月に開かれます。""",
    "ko": """이사회는 화요일에 모여 내년 예산을 논의했습니다. 몇몇 회원은 지난 보고 이후 난방비가 왜
이렇게 많이 올랐는지 물었습니다. 회계 담당자는 공급업체와의 계약이 삼월에 끝났다고
설명했습니다. 우리는 이미 예상하고 돈을 따로 마련해 두었다고 그녀는 말했습니다. 오래된
강당의 지붕은 겨울이 오기 전에 수리할 예정입니다. 매달 첫 번째 주말에 정원 일을 도와줄
자원봉사자를 환영합니다. 두 회원이 다른 견적을 보고 싶어 했지만 계획에 반대하는 사람은
없었습니다. 공사 기간에는 방문객이 북쪽 출입구를 이용해야 합니다. 다음 회의는 시월에
열립니다.""",
    "ru": """Правление собралось во вторник, чтобы обсудить бюджет на будущий год. Несколько членов спросили,
почему расходы на отопление так выросли после последнего отчёта. Казначей объяснила, что договор с
поставщиком закончился в марте. «Мы этого ожидали, — сказала она, — и отложили деньги». Крышу
старого зала починят до наступления зимы. Добровольцы могут помогать в саду в первые выходные
каждого месяца. Никто не возражал против плана, хотя двое хотели бы увидеть другую смету. Во время
работ посетители пользуются входом с северной стороны. Следующее собрание состоится в октябре.""",
    "ar": """اجتمع المجلس يوم الثلاثاء لمناقشة ميزانية العام المقبل. وسأل عدد من الأعضاء عن سبب ارتفاع تكلفة
التدفئة منذ التقرير الأخير. وأوضحت أمينة الصندوق أن العقد مع المورد انتهى في مارس. وقالت إننا كنا
نتوقع ذلك وقد وفرنا المال اللازم. سيتم إصلاح سقف القاعة القديمة قبل حلول الشتاء. نرحب بالمتطوعين
للمساعدة في الحديقة في أول عطلة من كل شهر. لم يعترض أحد على الخطة، لكن عضوين يريدان عرضا آخر. على
الزوار استعمال المدخل الشمالي أثناء العمل. سيعقد الاجتماع القادم في أكتوبر.""",
    "el": """Το συμβούλιο συνεδρίασε την Τρίτη για να συζητήσει τον προϋπολογισμό της επόμενης χρονιάς. Αρκετά
μέλη ρώτησαν γιατί αυξήθηκε τόσο πολύ το κόστος της θέρμανσης. Η ταμίας εξήγησε ότι η σύμβαση με τον
προμηθευτή έληξε τον Μάρτιο. Το περιμέναμε, είπε, και έχουμε βάλει χρήματα στην άκρη. Η στέγη της
παλιάς αίθουσας θα επισκευαστεί πριν από τον χειμώνα. Οι εθελοντές είναι ευπρόσδεκτοι να βοηθήσουν
στον κήπο. Κανείς δεν διαφώνησε με το σχέδιο. Η επόμενη συνεδρίαση θα γίνει τον Οκτώβριο.""",
}
"""Language to running text."""

STOPS = {"zh": "。", "ja": "。"}


def sound(language: str, seed: int, *, sentences: int = 40) -> str:
    """A text of this many sentences, drawn from those of the language in an order of its own."""
    rng = random.Random(f"{language}{seed}")
    stop = STOPS.get(language, ".")
    glue = "" if language in STOPS else " "
    pool = [part.strip() + stop for part in SOUND[language].replace("\n", glue).split(stop) if part.strip()]
    chosen: list[str] = []
    while len(chosen) < sentences:
        chosen += rng.sample(pool, len(pool))
    # A number in each paragraph, so that none is the same as another.
    groups = [chosen[at : at + 4] for at in range(0, sentences, 4)]
    return "\n\n".join(f"{number}. {glue.join(group)}" for number, group in enumerate(groups, 1))


def misread(written: str, read: str) -> Callable[[str, random.Random], str]:
    """What a text stored in one encoding looks like in another."""

    def damage(text: str, rng: random.Random) -> str:
        return text.encode(written, "replace").decode(read, "replace")

    return damage


def latin1(text: str, rng: random.Random) -> str:
    """UTF-8 taken for Latin-1, as a program does that knows no undefined bytes."""
    return text.encode().decode("latin-1")


def twice(text: str, rng: random.Random) -> str:
    """UTF-8 taken for CP1252 two times over."""
    for _ in range(2):
        text = text.encode().decode("cp1252", "replace").replace("\ufffd", "")
    return text


def big5(text: str, rng: random.Random) -> str:
    """Traditional Chinese in Big5, taken for GBK."""
    return misread("big5hkscs", "gb18030")(_TRADITIONAL * 6, rng)


def mixed_cyrillic(text: str, rng: random.Random) -> str:
    """Paragraphs in KOI8-R and CP1251 in one file, read as CP1251."""
    parts = text.split("\n\n")
    for at in range(0, len(parts), 2):
        parts[at] = parts[at].encode("koi8-r", "replace").decode("cp1251", "replace")
    return "\n\n".join(parts)


def glyph_numbers(text: str, rng: random.Random) -> str:
    """A font without names: numbers in place of letters, throughout half of the paragraphs."""
    parts = text.split("\n\n")
    for at in range(0, len(parts), 2):
        parts[at] = "".join(f"(cid:{ord(char) % 200})" if char.isalpha() else char for char in parts[at])
    return "\n\n".join(parts)


def shifted(text: str, rng: random.Random) -> str:
    """A subset font whose letters come out as other letters."""
    by = rng.randrange(5, 22)
    return "".join(
        chr((ord(char) - 97 + by) % 26 + 97) if "a" <= char <= "z" else char for char in text.lower()
    )


_LOOKALIKES = {
    "o": "0", "l": "1", "e": "c", "c": "e", "h": "b", "b": "h", "i": "l", "s": "5", "a": "o", "n": "u",
    "u": "n", "m": "rn", "t": "f", "g": "q", "d": "cl", "w": "vv", "r": "i",
}  # fmt: skip


def misrecognised(text: str, rng: random.Random) -> str:
    """What a poor scan yields: letters taken for others, specks taken for signs, blanks lost."""
    out = []
    for char in text:
        chance = rng.random()
        if chance < 0.08 and char in _LOOKALIKES:
            out.append(_LOOKALIKES[char])
        elif chance < 0.1 and char.isalpha():
            out.append(rng.choice("|!~^*;"))
        elif chance < 0.12 and char == " ":
            continue
        else:
            out.append(char)
    return "".join(out)


def scanned(text: str, share: float, rng: random.Random) -> str:
    """What OCR makes of a sound page: of this share of the characters another, none, or one more."""
    out = []
    for char in text:
        if char.isspace() or rng.random() >= share:
            out.append(char)
            continue
        chance = rng.random()
        if chance < 0.7:
            out.append(_LOOKALIKES.get(char.lower()) or rng.choice("abcdefghiklmnoprstu"))
        elif chance < 0.85:
            out.append(char + rng.choice(".,'|il "))
    return "".join(out)


def letterspaced(text: str, rng: random.Random) -> str:
    """L e t t e r s  a p a r t."""
    return "\n\n".join("  ".join(" ".join(word) for word in part.split(" ")) for part in text.split("\n\n"))


def repeated(text: str, rng: random.Random) -> str:
    """One paragraph over and over."""
    first = text.split("\n\n")[0]
    return "\n\n".join([first] * 120)


def replaced(text: str, rng: random.Random) -> str:
    """Characters that a program could not write, as U+FFFD."""
    return "".join("\ufffd" if char.isalpha() and rng.random() < 0.12 else char for char in text)


def questioned(text: str, rng: random.Random) -> str:
    """Everything beyond ASCII as question marks."""
    return text.encode("ascii", "replace").decode()


DAMAGES: Mapping[str, tuple[str, tuple[str, ...], Callable[[str, random.Random], str]]] = {
    "utf-8 as cp1252": ("mojibake", ("en", "de", "fr", "es", "ru", "el", "ar"), misread("utf-8", "cp1252")),
    "utf-8 as latin-1": ("mojibake", ("de", "fr", "es", "ru"), latin1),
    # So much of Chinese and Japanese is lost on the way that it may be any encoding.
    "east asian utf-8 as cp1252": ("encoding or mojibake", ("zh", "ja"), misread("utf-8", "cp1252")),
    "east asian utf-8 as latin-1": ("encoding or mojibake", ("zh", "ja"), latin1),
    "utf-8 as cp1252 twice": ("mojibake", ("de", "fr", "es"), twice),
    "utf-8 as cp1251": ("mojibake", ("ru",), misread("utf-8", "cp1251")),
    "utf-8 as koi8-r": ("mojibake", ("ru",), misread("utf-8", "koi8-r")),
    "utf-8 as mac-roman": ("mojibake", ("de", "fr", "es"), misread("utf-8", "mac-roman")),
    "utf-8 as cp437": ("mojibake", ("de", "fr", "es"), misread("utf-8", "cp437")),
    "utf-8 as gbk": ("mojibake", ("zh", "ja"), misread("utf-8", "gb18030")),
    "utf-8 as shift-jis": ("mojibake", ("ja", "zh"), misread("utf-8", "cp932")),
    "gbk as latin-1": ("encoding", ("zh",), misread("gb18030", "latin-1")),
    "gbk as cp1252": ("encoding", ("zh",), misread("gb18030", "cp1252")),
    "big5 as gbk": ("encoding", ("zh",), big5),
    "shift-jis as cp1252": ("encoding", ("ja",), misread("cp932", "cp1252")),
    "euc-jp as latin-1": ("encoding", ("ja",), misread("euc-jp", "latin-1")),
    "euc-kr as cp1252": ("encoding", ("ko",), misread("cp949", "cp1252")),
    "euc-kr as gbk": ("encoding", ("ko",), misread("cp949", "gb18030")),
    "koi8-r as cp1251": ("encoding", ("ru",), misread("koi8-r", "cp1251")),
    "cp1251 as koi8-r": ("encoding", ("ru",), misread("cp1251", "koi8-r")),
    "cp866 as cp1251": ("encoding", ("ru",), misread("cp866", "cp1251")),
    "cp1251 as cp1252": ("encoding", ("ru",), misread("cp1251", "cp1252")),
    "koi8-r and cp1251 in one": ("encoding", ("ru",), mixed_cyrillic),
    "greek as cp1252": ("encoding", ("el",), misread("cp1253", "cp1252")),
    "arabic as cp1252": ("encoding", ("ar",), misread("cp1256", "cp1252")),
    "latin-1 as cp1251": ("encoding", ("de", "fr", "es"), misread("cp1252", "cp1251")),
    "latin-1 as gbk": ("encoding", ("de", "fr"), misread("cp1252", "gb18030")),
    "cid numbers": ("glyphs", ("en", "de", "zh", "ru"), glyph_numbers),
    "shifted letters": ("noise", ("en", "de", "fr", "es"), shifted),
    "poor recognition": ("noise", ("en", "de", "fr", "es"), misrecognised),
    "letters apart": ("spaced", ("en", "de", "ru", "el"), letterspaced),
    "replacement characters": ("lost", ("en", "de", "ru", "zh"), replaced),
    "question marks": ("lost", ("ru", "el", "ar"), questioned),
    "one paragraph repeated": ("repetition", ("en", "zh", "de"), repeated),
}  # fmt: skip
"""Name to the finding expected, the languages it happens to, and how it is done."""

_TRADITIONAL = (
    "董事會星期二召開會議，討論明年的預算。幾位成員問，為什麼取暖費用從上次報告以來漲了這麼多。財務主"
    "管解釋說，與供應商的合約在三月結束了。舊禮堂的屋頂將在冬天以前修好。歡迎志工在每個月的第一個週末"
    "來花園幫忙。沒有人反對這個計畫，不過有兩位成員希望再看一份報價。"
    "\n\n"
)


def damaged(name: str, language: str, seed: int) -> str:
    """A sound text, damaged."""
    rng = random.Random(f"{name}{language}{seed}")
    return DAMAGES[name][2](sound(language, seed), rng)
