import pytest
from django.core.exceptions import ValidationError

from accounts.names import can_be_seen, clean_display_name, clean_line, validate_username


@pytest.mark.parametrize("name", ["abc", "Al.ice-B_4", "0" * 32, "a--"])
def test_a_username_of_letters_digits_dots_hyphens_underscores_is_fine(name: str) -> None:
    validate_username(name)


@pytest.mark.parametrize(
    "name",
    ["ab", "a" * 33, ".abc", "-abc", "_abc", "a b c", "a@bc", "älice", "alice\n", "ali\0ce", ""],
)
def test_any_other_username_is_refused(name: str) -> None:
    with pytest.raises(ValidationError):
        validate_username(name)


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("  Alice Lind  ", "Alice Lind"),
        ("Ａｌｉｃｅ", "Alice"),
        ("e\u0301lodie", "élodie"),
        ("張偉", "張偉"),
        ("❤️", "❤️"),
        ("👩\u200d👧 and 👩🏽\u200d🚀", "👩\u200d👧 and 👩🏽\u200d🚀"),
        ("🏳️\u200d🌈", "🏳️\u200d🌈"),
        ("می\u200cخواهم", "می\u200cخواهم"),
        ("क्\u200dष", "क्\u200dष"),
        ("   ", ""),
    ],
)
def test_a_display_name_is_normalised_and_trimmed(given: str, kept: str) -> None:
    assert clean_display_name(given) == kept


@pytest.mark.parametrize(
    "name",
    [
        "Al\u202eice",
        "Al\u2066ice",
        "Al\u200bice",
        "Al\ufeffice",
        "Al\u00adice",
        "Al\u200dice",
        "Al\u200cice",
        "❤️\u200d",
        "Al\nice",
        "Al\0ice",
        "Al\u2028ice",
        "\u3164",
        "\ue000",
        "\u0301",
        "x" * 65,
        "\ufdfa" * 10,
    ],
)
def test_a_display_name_that_hides_turns_or_grows_too_long_is_refused(name: str) -> None:
    with pytest.raises(ValidationError):
        clean_display_name(name)


def test_a_line_keeps_the_letters_that_were_chosen() -> None:
    assert clean_line(" Crew № 1™ ", most=20) == "Crew № 1™"
    assert clean_line("e\u0301", most=1) == "é"
    with pytest.raises(ValidationError):
        clean_line("xx", most=1)


@pytest.mark.parametrize("text", ["x", "…", "🎉", "\U0001fae8", "\u200bx", "ا"])
def test_something_is_seen(text: str) -> None:
    assert can_be_seen(text)


@pytest.mark.parametrize(
    "text", ["", " \n", "\u200b\u2060", "\u00a0", "\u3000", "\u2800", "\u0301"]
)
def test_nothing_is_seen(text: str) -> None:
    assert not can_be_seen(text)
