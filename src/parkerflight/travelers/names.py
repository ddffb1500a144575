"""Which names an airline can print, and how to write the others. Pure.

The rule is the provider's: 1 to 20 characters each for given and family name; space, hyphen, apostrophe, ASCII
letters, letters of Latin-1 Supplement and Latin Extended-A except Æ æ Ĳ ĳ Œ œ Þ ð.
"""

# ruff: noqa: RUF001, RUF003 - this file is about letters that look alike

import re
import unicodedata

from parkerflight.core.errors import BadInput

MAX_LENGTH = 20  # the provider's limit for each of the two names
# À-Ö Ø-ö ø-ÿ are the letters of Latin-1 Supplement (U+00D7 × and U+00F7 ÷ are signs), Ā-ſ is Latin Extended-A.
_PUNCTUATION = frozenset(" -'")
_EXCLUDED = frozenset("ÆæĲĳŒœÞð")
_ALLOWED = (
    frozenset(
        [
            chr(code)
            for code in (*range(0x41, 0x5B), *range(0x61, 0x7B), *range(0xC0, 0x180))
            if code not in {0xD7, 0xF7}
        ]
    )
    - _EXCLUDED
)

# Doc 9303 of the ICAO, part 3, section 6: how machine-readable zones write letters outside A-Z.
_LATIN = {"æ": "ae", "ĳ": "ij", "œ": "oe", "þ": "th", "ð": "d", "ə": "e", "ẞ": "ss", "ı": "i"}
_CYRILLIC = {
    "а": "a", "б": "b", "в": "v", "г": "g", "ґ": "g", "д": "d", "ђ": "d", "ѓ": "g", "е": "e", "ё": "e", "є": "ie",
    "ж": "zh", "з": "z", "ѕ": "dz", "и": "i", "і": "i", "ї": "i", "й": "i", "ј": "j", "к": "k", "ќ": "k", "л": "l",
    "љ": "lj", "м": "m", "н": "n", "њ": "nj", "о": "o", "п": "p", "р": "r", "с": "s", "т": "t", "ћ": "c", "у": "u",
    "ў": "u", "ф": "f", "х": "kh", "ц": "ts", "ч": "ch", "џ": "dz", "ш": "sh", "щ": "shch", "ъ": "ie", "ы": "y",
    "ь": "", "э": "e", "ю": "iu", "я": "ia",
}  # fmt: skip
# The same table's exceptions for Ukrainian and Belarusian, recognised by letters that Russian does not have.
_UKRAINIAN_ONLY = frozenset("іїєґў")
_UKRAINIAN = {"г": "h", "и": "y"}
# ELOT 743 (ISO 843), which Greek passports follow.
_GREEK = {
    "α": "a", "β": "v", "γ": "g", "δ": "d", "ε": "e", "ζ": "z", "η": "i", "θ": "th", "ι": "i", "κ": "k", "λ": "l",
    "μ": "m", "ν": "n", "ξ": "x", "ο": "o", "π": "p", "ρ": "r", "σ": "s", "ς": "s", "τ": "t", "υ": "y", "φ": "f",
    "χ": "ch", "ψ": "ps", "ω": "o",
}  # fmt: skip
_GREEK_PAIRS = (
    (r"ου", "ou"),
    (r"γγ", "ng"),
    (r"γξ", "nx"),
    (r"γχ", "nch"),
    (r"\bμπ|μπ\b", "b"),
    (r"([αεη])υ(?=[αεηιουωβγδζλμνρ])", r"\1v"),
    (r"([αεη])υ", r"\1f"),
)
# Keyboards put typographic signs where the ticket has typewriter ones.
_SIGNS = dict.fromkeys("’‘ʼ`´ʹ", "'") | dict.fromkeys("‐‑‒–—", "-") | {"\u00a0": " "}
_TABLE = _LATIN | _CYRILLIC | _GREEK | _SIGNS


class BadName(BadInput):
    """A name that no airline can print. `hint` is a spelling to offer the person, or None.

    The hint is not part of `str()`, which may end up in a log: the message shows one character, the hint a name.
    """

    def __init__(self, code: str, message: str, *, field: str, hint: str | None) -> None:
        super().__init__(code, message, field=field)
        self.hint = hint


def check_name(text: str, field: str) -> str:
    """The name as it will be stored: trimmed, composed (NFC), otherwise as given.

    Raises BadName, which says what to do, when it is empty, longer than 20 characters or has a character that no
    airline can print. `field` is the name of the input, such as `given_name`.
    """
    name = unicodedata.normalize("NFC", text).strip()
    label = field.replace("_", " ")
    if not name:
        raise BadName("name_empty", f"The {label} is empty; write it as in the passport.", field=field, hint=None)
    offending = next((character for character in name if not _printable(character)), None)
    if offending is not None:
        raise BadName("name_character", _about(offending, label), field=field, hint=transliteration_hint(name))
    if not any(character in _ALLOWED for character in name):
        raise BadName("name_empty", f"The {label} has no letter; write it as in the passport.", field=field, hint=None)
    if len(name) > MAX_LENGTH:
        message = f"The {label} has {len(name)} characters, a ticket room for {MAX_LENGTH}. Leave out later names."
        raise BadName("name_too_long", message, field=field, hint=None)
    return name


def transliteration_hint(name: str) -> str | None:
    """How a passport's machine-readable zone would probably write `name`: to suggest, never to store unasked.

    None when the name needs no change, when a character has no table here (Chinese, Arabic, …), or when the result
    would still not fit on a ticket. The passport decides: states differ, and people have older spellings.
    """
    composed = unicodedata.normalize("NFC", name).strip()
    table = _TABLE | (_UKRAINIAN if _UKRAINIAN_ONLY & set(composed.lower()) else {})
    hint = " ".join(_word(word, table) or "?" for word in composed.split())
    fits = 0 < len(hint) <= MAX_LENGTH and all(_printable(character) for character in hint)
    return hint if fits and hint != composed else None


def _printable(character: str) -> bool:
    return character in _ALLOWED or character in _PUNCTUATION


def _about(character: str, label: str) -> str:
    shown = f"“{character}”" if character.isprintable() and not character.isspace() else f"U+{ord(character):04X}"
    return (
        f"An airline cannot print {shown} in the {label}. Write it in Latin letters, as in the machine-readable zone "
        "of the passport (the two lines with “<” at the foot of the photo page)."
    )


def _word(word: str, table: dict[str, str]) -> str:
    """`word` in printable letters, its case kept; a character without a table stays, and so spoils the result."""
    whole = len(word) > 1 and word.isupper()
    plain = _greek_pairs(word) if any(unicodedata.name(c, "").startswith("GREEK") for c in word) else word
    written = "".join(_letter(character, table, whole=whole) for character in plain)
    return written[:1].upper() + written[1:] if word[:1].isupper() else written


def _letter(character: str, table: dict[str, str], *, whole: bool) -> str:
    if _printable(character):
        return character.upper() if whole else character
    base = "".join(c for c in unicodedata.normalize("NFD", character) if not unicodedata.combining(c))
    lower = character.lower()
    written = table.get(lower, table.get(base.lower(), base))
    if whole:
        return written.upper()
    return written.capitalize() if character.isupper() else written


def _greek_pairs(word: str) -> str:
    """Letters that ELOT 743 writes together; case is put back by the caller where it matters, at the front."""
    text = "".join(c for c in unicodedata.normalize("NFD", word.lower()) if not unicodedata.combining(c))
    for pattern, written in _GREEK_PAIRS:
        text = re.sub(pattern, written, text)
    return text
