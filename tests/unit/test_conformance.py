"""Every field of the language is shown by a golden case and by a live one."""

from tests.support.conformance import claims, lacking


def test_every_field_has_a_golden_and_a_live_case() -> None:
    """A field that is served is compiled in tests/golden and asked for in tests/acceptance."""
    missing = lacking()
    assert not missing, f"{len(missing)} fields lack a case:\n" + "\n".join(missing)


def test_cases_cover_what_they_say() -> None:
    """What a live case says it covers is a field that its documents use."""
    wrong = [f"{claim.file}: {claim.case}: {', '.join(claim.empty)}" for claim in claims() if claim.empty]
    assert not wrong, "\n".join(wrong)
