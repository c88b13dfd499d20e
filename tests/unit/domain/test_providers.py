import pytest
from hypothesis import given
from hypothesis import strategies as st

from mingwen.domain import providers
from mingwen.domain.errors import MingwenError

SEEN = {
    "91110102MACQD9K640": "Doubao",
    "9144030008867405X2": "Jimeng",
    "91440101MA9Y9T4H7A": "Qwen",
    "91330106MA2CFLDG4R": "Tongyi Wan",
    "91110108335469089C": "Kling",
    "91440300708461136T": "Tencent",
    "91110000802100433B": "Baidu",
    "91110105MACJ6K1C8A": "LiblibAI",
    "91340100MAEB4N8H76": "RunningHub",
    "91110108MACC4D63XF": "Vidu",
    "91440300MA5G49LC9K": "Honor",
    "91310104MACE0YX639": "StepFun",
    "91110102MAD55U9H0F": "unknown",
}
"""Credit codes in published labels, and whose they are."""

USCCS = st.text(providers.USCC_ALPHABET, min_size=17, max_size=17).map(lambda t: t + providers.check_digit(t))


@pytest.mark.parametrize("uscc", SEEN)
def test_credit_codes_in_published_labels_have_their_check_digit(uscc: str) -> None:
    assert providers.check_digit(uscc[:17]) == uscc[17]
    assert providers.problems(f"0011{uscc}00000") == ()


@pytest.mark.parametrize("extension", ["10000", "10001", "10002", "1XGW3", "1308L", "18020", "1YO01", "00001", "00000"])
def test_extensions_seen_in_real_files_pass(extension: str) -> None:
    assert providers.problems("001191440300708461136T" + extension) == ()


@pytest.mark.parametrize(
    "name",
    ["doubao", "kling", "MiniMax", "picwish", "Minimax Agent AI", "", "明文科技", "007影业", "91440300708461136T", "\ud800"],
)
def test_a_name_is_nothing_but_a_name(name: str) -> None:
    assert providers.problems(name) == ("provider.bare-name",)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("0011DEMOAI00000", ("provider.length",)),
        ("001191440300708461136T1XGW", ("provider.length",)),
        ("001191440300708461136T1XGW30", ("provider.length",)),
        ("001191440300708461136t1XGW3", ("provider.alphabet",)),
        ("0011 91440300708461136T", ("provider.alphabet", "provider.length")),
        ("001191440300708461136O10000", ("provider.alphabet",)),
        ("011191440300708461136T1XGW3", ("provider.prefix",)),
        ("001191440300708461137T1XGW3", ("provider.check-digit",)),
        ("001191440300708461136T9XGW3", ("provider.service-type",)),
        ("001191440300708461137TAXGW3", ("provider.check-digit", "provider.service-type")),
        ("002191440300708461137T1XGW3", ()),
        ("001291440300708461137T1XGW3", ()),
        ("００1191440300708461136T1XGW3", ("provider.bare-name",)),
    ],
)
def test_each_problem_has_its_code(text: str, expected: tuple[str, ...]) -> None:
    assert providers.problems(text) == expected


def test_a_code_comes_apart_at_the_places_of_the_guide() -> None:
    code = providers.parse("001191310104MACE0YX63918020")
    assert code == providers.ProviderCode("00", "1", "1", "91310104MACE0YX639", "1", "8020")
    assert str(code) == "001191310104MACE0YX63918020"


def test_an_odd_service_type_is_read_and_not_built() -> None:
    assert providers.parse("001191440300708461136T9XGW3").service_type == "9"
    with pytest.raises(MingwenError) as caught:
        providers.build("91440300708461136T", service_type="9")
    assert caught.value.code == "provider.service-type"


@pytest.mark.parametrize(
    ("uscc", "service_type", "service_code", "code"),
    [
        ("91440300708461136", "1", "0000", "provider.length"),
        ("91440300708461136X", "1", "0000", "provider.check-digit"),
        ("91440300708461136O", "1", "0000", "provider.alphabet"),
        ("91440300708461136T", "1", "00", "provider.length"),
        ("91440300708461136T", "1", "ab01", "provider.alphabet"),
        ("91440300708461136T", "", "10000", "provider.service-type"),
        ("91440300708461136T", "10", "000", "provider.service-type"),
    ],
)
def test_nothing_broken_is_built(uscc: str, service_type: str, service_code: str, code: str) -> None:
    with pytest.raises(MingwenError) as caught:
        providers.build(uscc, service_type=service_type, service_code=service_code)
    assert caught.value.code == code


def test_a_code_without_a_service_ends_in_five_zeros() -> None:
    assert str(providers.build("91440300708461136T")) == "001191440300708461136T00000"


@given(USCCS, st.sampled_from("012"), st.text("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ", min_size=4, max_size=4))
def test_what_is_built_parses_to_itself(uscc: str, service_type: str, service_code: str) -> None:
    code = providers.build(uscc, service_type=service_type, service_code=service_code)
    assert providers.parse(str(code)) == code
    assert providers.problems(str(code)) == ()


@given(USCCS, st.integers(0, 17), st.sampled_from(providers.USCC_ALPHABET))
def test_every_single_changed_character_is_noticed(uscc: str, place: int, other: str) -> None:
    """31 is prime and no weight is a multiple of it, so that one changed value always changes the sum."""
    changed = uscc[:place] + other + uscc[place + 1 :]
    assert providers.problems(f"0011{changed}10000") == (() if changed == uscc else ("provider.check-digit",))


@given(st.text() | st.from_regex(r"00[0-9]{2}.{0,30}") | st.text("0123456789ABCDEFZabc", min_size=27, max_size=27))
def test_nothing_but_our_errors_escapes(text: str) -> None:
    found = providers.problems(text)
    if not set(found) <= {"provider.service-type"}:
        with pytest.raises(MingwenError) as caught:
            providers.parse(text)
        assert caught.value.code in found
    else:
        assert str(providers.parse(text)) == text
