"""Outputs find their sources by what they are, not by what the de-identifier says."""

from __future__ import annotations

from workbench.ingest.verify.facts import Facts
from workbench.ingest.verify.heads import check_heads, is_head
from workbench.ingest.verify.pairing import pair

CT = "1.2.840.10008.5.1.4.1.1.2"


def facts(name: str, *, digest: str = "", number: int = 0, series: str = "1", **texts: str) -> Facts:
    tags = {0x00080016: CT, 0x00080018: name, 0x0020000E: series, 0x00080060: "CT"}
    named = {int(tag[1:], 16): text for tag, text in texts.items()}
    place = (str(number), "", "", "", "", "", "")
    return Facts(
        name, texts=tags | named, shape=("4", "4", "", "1", "16"), place=place, digest=digest or name, has_pixels=True
    )  # fmt: skip


def names(sources: list[Facts], outputs: list[Facts]) -> dict[str, str]:
    return {output.name: source.name for source, output in pair(sources, outputs).found}


def test_pixels_and_numbers_pair() -> None:
    sources = [facts(f"s{k}", digest=f"d{k}", number=k) for k in range(3)]
    outputs = [facts(f"o{k}", digest=f"d{k}", number=k, series="9") for k in (2, 0)]
    assert names(sources, outputs) == {"o2": "s2", "o0": "s0"}
    assert [one.name for one in pair(sources, outputs).missing] == ["s1"]


def test_changed_pixels_are_paired_by_their_numbers() -> None:
    sources = [facts(f"s{k}", digest=f"d{k}", number=k) for k in range(3)]
    outputs = [facts(f"o{k}", digest=f"x{k}", number=k, series="9") for k in range(3)]
    assert names(sources, outputs) == {"o0": "s0", "o1": "s1", "o2": "s2"}


def test_equal_slices_of_two_series_are_paired_within_their_series() -> None:
    sources = [facts(f"s{n}{k}", digest="air" if k else f"d{n}", number=k, series=n) for n in "ab" for k in (0, 1)]
    outputs = [facts(f"o{n}{k}", digest="air" if k else f"d{n}", number=k, series=n * 2) for n in "ba" for k in (0, 1)]
    assert names(sources, outputs) == {"oa0": "sa0", "oa1": "sa1", "ob0": "sb0", "ob1": "sb1"}


def test_what_nothing_tells_apart_is_not_guessed() -> None:
    sources = [facts(f"s{k}", digest="air") for k in range(2)]
    outputs = [facts(f"o{k}", digest="air", series="9") for k in range(2)]
    found = pair(sources, outputs)
    assert (found.found, [one.name for one in found.twins], found.alone) == ([], ["o0", "o1"], [])


def test_a_stranger_is_alone() -> None:
    stranger = facts("o")
    stranger.shape = ("8", "8", "", "1", "16")
    assert pair([facts("s")], [stranger]).alone == [stranger]


def test_a_known_key_decides_alone() -> None:
    sources = [facts(f"s{k}", digest="air") for k in range(2)]
    outputs = [facts(f"o{k}", digest="air") for k in range(2)]
    found = pair(sources, outputs, {"s0": "o1", "s1": "o0"})
    assert {output.name: source.name for source, output in found.found} == {"o1": "s0", "o0": "s1"}


def test_two_files_that_claim_to_be_one_instance_are_told_apart_by_their_pixels() -> None:
    sources = [facts("s", digest="d1"), facts("s", digest="d2")]
    sources[1].name = "copy"
    found = pair(sources, [facts("o", digest="d2", series="9")], {"s": "o"})
    assert [source.name for source, _ in found.found] == ["copy"]


def head_series(count: int, **texts: str) -> list[tuple[Facts, Facts]]:
    return [(facts(f"s{k}", number=k, **texts), facts(f"o{k:02d}", number=k)) for k in range(count)]


def test_a_head_series_needs_a_decision_and_is_named_once() -> None:
    series = head_series(16, x00180015="HEAD")
    assert [(one.file, one.rule) for one in check_heads(series, None)] == [("o00", "head-without-decision")]
    assert list(check_heads(series, "done")) == list(check_heads(series, "not-needed")) == []


def test_a_few_slices_or_another_region_need_none() -> None:
    assert list(check_heads(head_series(15, x00180015="HEAD"), None)) == []
    assert list(check_heads(head_series(40, x00180015="CHEST"), None)) == []


def test_descriptions_tell_a_head_too() -> None:
    assert is_head(facts("s", x00081030="CCT Schädel nativ"))
    assert is_head(facts("s", x0008103E="t1_mprage_BRAIN_sag"))
    assert not is_head(facts("s", x0008103E="Facet joints, sinusoidal, headless"))
