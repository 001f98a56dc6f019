"""Names of a claim that passages do not hold.

Where only names are capitalised, a capital tells. German capitalises every noun, so there a noun with an
article is none. Chinese has no capitals: what replaced a part of an otherwise equal sentence is looked at,
and is a name when it is written like one.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from difflib import SequenceMatcher

from copilot.claims import spelled
from copilot.claims.dates import MONTHS
from copilot.claims.units import UNITS
from copilot.words import STOP_WORDS, holds, words
from indexer.text import fold


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_WORD = re.compile(r"[^\W\d_][\w’'\u2011-]*[^\W_]|[^\W\d_]")
_NEVER = _words(
    """
    however moreover furthermore additionally also therefore thus hence overall finally meanwhile
    instead although though despite whereas since because while when where after before during among
    according based according both either neither each several many most some every another other others
    such there here today yes additionally specifically notably similarly consequently later earlier
    jedoch außerdem ausserdem ferner zudem daher deshalb schließlich schliesslich obwohl während wahrend
    nachdem bevor laut gemäß gemass sowohl viele einige mehrere manche alle beide heute dort hier sie
    ihnen außer trotz wegen insgesamt ebenso dennoch dabei danach zuerst embargo además ademas
    finalmente aunque mientras después despues antes según segun varios varias muchos muchas algunos
    algunas todos todas ambos ambas otro otra otros otras hoy aquí asimismo cependant toutefois ainsi
    enfin pendant après apres avant selon plusieurs certains certaines tous toutes aussi aujourd’hui
    around roughly nearly almost exactly perhaps possibly probably unless until whether chaque environ cada
    unos unas quizas rund etwa circa ungefahr vielleicht selon
    monday tuesday wednesday thursday friday saturday sunday
    """
)
"""Folded words that begin a sentence with a capital and name nothing. Weekdays are values of their own."""

_PEOPLE = _words("newton watt pascal volt joule hertz kelvin")
"""Units that are named after people."""

_DETERMINERS = _words(
    """
    der die das den dem des ein eine einen einem einer eines kein keine keinen keinem keiner im am zum
    zur beim vom ins ans dieser diese dieses diesen diesem jeder jede jedes jeden jedem alle allen aller
    viele vielen vieler einige einigen mehrere mehreren sein seine seinen seinem seiner seines ihr ihre
    ihren ihrem ihrer ihres unser unsere welche welcher welches manche manchen beide beiden solche
    solchen solcher
    """
)
_NOUN_END = re.compile(
    r"(?:ung|ungen|heit|heiten|keit|keiten|schaft|schaften|ismus|ität|itäten|ion|ionen|nis|nisse|tum|chen|"
    r"lein|weise|fall|fälle|teil|teile|zeit|zeiten|stück|stücke|zahl|anzahl|jahr|jahre|jahren)$"
)
_ADJECTIVE_END = re.compile(r"(?:e|en|er|es|em)$")

_NO_LATIN = re.compile("[\u3040-\u9fff\uac00-\ud7af]")
_HAN_RUN = re.compile("[\u4e00-\u9fff·•]+")
_SOUNDS = frozenset(
    "阿埃艾爱安昂奥澳巴贝比彼伯布博鲍查察达戴丹德迪蒂丁东杜多顿尔恩法菲费芬弗福富盖甘戈格葛古哈海汉赫亨洪胡华霍"
    "基吉加伽贾简杰金津卡凯坎康科柯克肯库拉莱赖兰朗劳勒雷蕾黎里理利莉林琳卢鲁路伦罗洛吕马玛迈麦曼梅门蒙米密明莫默"
    "姆穆拿纳娜奈内尼妮宁纽诺努诺欧帕派潘佩彭皮珀普奇齐契钱乔切琼丘日瑞若萨塞赛桑瑟森沙莎山舍圣施史士斯丝司思斯松"
    "苏索塔泰坦汤唐特藤提汀廷图土托瓦万威韦维魏温文翁沃乌武西希锡夏香肖谢辛欣兴休许雅亚延扬耶叶伊依因印英永尤约泽曾扎"
    "詹珍芝治朱兹佐尔逊娃茨翰森逊"
)
"""Characters that foreign names are written with."""
_PLACES = re.compile(
    r"(?:国|州|省|市|县|郡|岛|洲|河|湖|山|海|城|镇|村|大学|学院|公司|队|党|寺|教堂|联盟|帝国|王国|共和国)$"
)
_KNOWN = _words(
    """
    美国 英国 法国 德国 中国 日本 俄国 俄罗斯 印度 韩国 朝鲜 加拿大 澳大利亚 意大利 西班牙 葡萄牙
    荷兰 比利时 瑞士 瑞典 挪威 丹麦 芬兰 波兰 奥地利 匈牙利 希腊 土耳其 埃及
    以色列 伊朗 伊拉克 沙特 巴西 阿根廷 墨西哥 智利 秘鲁 古巴 南非 肯尼亚 尼日利亚 越南 泰国 印尼
    马来西亚 新加坡 菲律宾 蒙古 乌克兰 爱尔兰 苏格兰 威尔士 英格兰 欧洲 亚洲 非洲
    美洲 北京 上海 天津 重庆 广州 深圳 香港 澳门 台湾 东京 伦敦 巴黎 柏林 纽约 莫斯科 罗马 华沙
    旧金山 洛杉矶 芝加哥 波士顿 华盛顿 加利福尼亚 加州 佛罗里达
    """
)
_GIVEN = re.compile(
    "^[王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗梁宋郑谢韩唐冯于董萧程曹袁邓许傅沈曾彭吕苏卢蒋蔡贾"
    "丁魏薛叶阎余潘杜戴夏钟汪田任姜范方石姚谭廖邹熊金陆郝孔白崔康毛邱秦江史顾侯邵孟龙万段雷钱汤"
    "尹黎易常武乔贺赖龚文]"
    "[\u4e00-\u9fff]{1,2}$"
)


def unknown_names(
    claim: str, evidence: str, held: Sequence[str], *, language: str, whole: str
) -> list[tuple[str, str]]:
    """Names in a claim that the passage does not hold, each with the name that stands in its place, or "".

    Args:
        claim: The claim.
        evidence: The sentence it is about.
        held: Folded words of the passage and of what stands above it.
        language: ISO 639-1 code of the claim, or "".
        whole: The passage.
    """
    found = _capitalised(claim, evidence, set(held), german=language == "de")
    if _HAN_RUN.search(claim) and _HAN_RUN.search(evidence):
        found += _replaced(claim, evidence, whole)
    return found


def _capitalised(claim: str, evidence: str, held: set[str], *, german: bool) -> list[tuple[str, str]]:
    matches = list(_WORD.finditer(claim))
    mine = {fold(match[0]) for match in matches}
    unknown: list[str] = []
    for at, match in enumerate(matches):
        word = _NO_LATIN.split(match[0])[0]
        if not word or not _is_capital(word) or _is_held(word, held) or _means_something(word, german=german):
            continue
        first = not re.search(r"[\w,;)]['\"”’»]?[\s(-]*\Z", claim[: match.start()])
        if first and _no_name_at_start(word, german=german):
            continue
        if german and not _german_name(matches, at, held):
            continue
        unknown.append(word)
    others = [
        match[0]
        for match in _WORD.finditer(evidence)
        if match.start() and _is_capital(match[0]) and not holds(mine, fold(match[0]))
    ]
    return [(word, others[0] if others else "") for word in unknown]


def _is_capital(word: str) -> bool:
    return word[0].isupper() and (len(word) > 1)


def _is_held(word: str, held: set[str]) -> bool:
    return all(part in STOP_WORDS or _has(held, part) for part in words(word))


def _has(held: set[str], word: str) -> bool:
    if holds(held, word):
        return True
    bare = word.removesuffix("'s").removesuffix("’s")
    return bare in held or f"{bare}s" in held or f"{bare}'s" in held or f"{bare}’s" in held


def _means_something(word: str, *, german: bool) -> bool:
    folded = fold(word)
    return (
        folded in STOP_WORDS
        or folded in _NEVER
        or folded in MONTHS
        or (german and folded in UNITS and folded not in _PEOPLE)
        or bool(word.isupper() and len(word) == 3 and folded in UNITS)  # USD
        or folded in ("mio", "mrd")
        or bool(re.fullmatch("[QT][1-4]", word))
        or spelled.begins(folded)
        or spelled.goes_on(folded)
        or bool(re.fullmatch("[IVXL]+", word))
    )


def _no_name_at_start(word: str, *, german: bool) -> bool:
    """A word that begins a sentence may be a verb or an adverb of the writer."""
    if german:
        return False
    return bool(re.search(r"(?:ly|ing|ed|mente|ment|ando|endo|ado|ida|ido|ant)$", word.lower()))


def _german_name(matches: Sequence[re.Match[str]], at: int, held: set[str]) -> bool:
    """Whether a German noun without an article, or beside another unknown one, is a name."""
    word = matches[at][0]
    if _NOUN_END.search(word.lower()) or any(
        len(other) > 4 and (other in fold(word) or fold(word) in other) for other in held
    ):
        return False
    beside = [matches[near][0] for near in (at - 1, at + 1) if 0 <= near < len(matches)]
    if any(
        _is_capital(each) and not _is_held(each, held) and not _means_something(each, german=True)
        for each in beside
    ):
        return True
    before = matches[at - 1][0] if at else ""
    if before.lower() in _DETERMINERS:
        return False
    adjective = before[:1].islower() and len(before) > 5 and _ADJECTIVE_END.search(before)
    return not adjective  # "neue Häuser"


# --- Chinese -------------------------------------------------------------------------------------


def _replaced(claim: str, evidence: str, whole: str) -> list[tuple[str, str]]:
    """Parts of a Chinese claim that stand where the sentence has another, and are written like names."""
    found = []
    for run in _HAN_RUN.finditer(claim):
        found += _in_run(run[0], evidence, whole)
    return found


def _in_run(run: str, evidence: str, whole: str) -> list[tuple[str, str]]:
    known = [name for name in _KNOWN if name in run and name not in whole]
    others = [name for name in _KNOWN if name in evidence and name not in run]
    found = [(name, others[0] if others else "") for name in sorted(known)]
    for dot in re.finditer("[·•]", run):
        core = run[max(0, dot.start() - 2) : dot.end() + 2]
        if core not in whole:
            found.append((core, ""))
    matcher = SequenceMatcher(None, run, evidence, autojunk=False)
    for tag, a, b, c, d in matcher.get_opcodes():
        changed = run[a:b]
        if tag != "equal" and changed not in whole and is_han_name(changed):
            found.append((changed, evidence[c:d] if 1 < d - c <= 12 else ""))
    return found


def is_han_name(changed: str) -> bool:
    """Whether Chinese characters are written like a name: its sounds, the kind of a place, a surname."""
    if len(changed) < 2:
        return False
    sounds = sum(char in _SOUNDS for char in changed)
    return sounds >= 0.67 * len(changed) or bool(_PLACES.search(changed)) or bool(_GIVEN.match(changed))
