"""Proofs hold without the store, and only for what they were made for."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from workbench.errors import IntegrityError, InvalidInput, NotFound, WorkbenchError
from workbench.governance.record.checkpoints import checkpoint_now, read_checkpoint
from workbench.governance.record.proofs import check_proof, prove_event, prove_growth
from workbench.governance.store import Store

EVENTS = 9


@pytest.fixture
def log(tmp_path: Path) -> Store:
    store = Store(tmp_path / "home" / "store.sqlite")
    for n in range(EVENTS):
        store.note("researcher", "dataset.read", "clinic-ct", reads=n)
    return store


def _sent(proof: dict[str, Any]) -> dict[str, Any]:
    return dict(json.loads(json.dumps(proof)))


@pytest.mark.parametrize("seq", range(1, EVENTS + 1))
def test_every_event_can_be_proved_and_checked_without_the_store(log: Store, seq: int) -> None:
    proof = _sent(prove_event(log, seq))
    log.close()
    found = check_proof(proof, proof["key"])
    assert (found["event"]["seq"], found["checkpoint"]["size"], found["trusted"]) == (seq, EVENTS, True)


@pytest.mark.parametrize("first", range(1, EVENTS + 1))
def test_a_log_that_grew_proves_it(log: Store, first: int) -> None:
    assert check_proof(_sent(prove_growth(log, first)))["first"]["size"] == first
    assert check_proof(_sent(prove_growth(log, 1, first)))["checkpoint"]["size"] == first
    log.close()


def _set(name: str, value: object) -> Callable[[dict[str, Any]], None]:
    return lambda proof: proof.__setitem__(name, value)


FORGERIES: dict[str, Callable[[dict[str, Any]], Any]] = {
    "another actor": lambda proof: proof["event"].__setitem__("actor", "nobody"),
    "another number": lambda proof: proof["event"].__setitem__("seq", 3),
    "another place": _set("index", 2),
    "both of them": lambda proof: (_set("index", 2)(proof), proof["event"].__setitem__("seq", 3)),
    "a column more": lambda proof: proof["event"].__setitem__("comment", "trust me"),
    "a step less": lambda proof: proof["path"].pop(),
    "another step": lambda proof: proof["path"].__setitem__(0, "00" * 32),
    "another size": lambda proof: _set("checkpoint", proof["checkpoint"].replace("\n9\n", "\n8\n"))(proof),
    "another time": lambda proof: _set("checkpoint", proof["checkpoint"].replace("time 2", "time 3"))(proof),
    "no signature": lambda proof: _set("checkpoint", proof["checkpoint"].split("\n\n")[0] + "\n\n")(proof),
    "no path": lambda proof: proof.pop("path"),
    "words for a path": _set("path", ["x"]),
    "another kind": _set("kind", "consistency"),
    "no kind at all": _set("kind", "belief"),
    "no key": _set("key", "name+00+AA=="),
    "a list": _set("event", []),
}


@pytest.mark.parametrize("name", FORGERIES)
def test_a_proof_that_was_changed_does_not_hold(log: Store, name: str) -> None:
    proof = _sent(prove_event(log, 5))
    log.close()
    FORGERIES[name](proof)
    with pytest.raises((IntegrityError, InvalidInput)):
        check_proof(proof)


def test_a_proof_signed_by_another_home_does_not_pass_for_one_of_this(log: Store, tmp_path: Path) -> None:
    other = Store(tmp_path / "other" / "store.sqlite")
    other.note("researcher", "dataset.read", "clinic-ct")
    with pytest.raises(IntegrityError, match="not signed with the key"):
        check_proof(prove_event(other, 1), str(checkpoint_now(log)["key"]))
    for store in (log, other):
        store.close()


@pytest.mark.parametrize("seq", [0, EVENTS + 1])
def test_an_event_that_is_not_there_has_no_proof(log: Store, seq: int) -> None:
    with pytest.raises(NotFound):
        prove_event(log, seq)
    log.close()


@pytest.mark.parametrize(("first", "second"), [(0, 3), (4, 3), (3, EVENTS + 1), (EVENTS + 1, 0)])
def test_sizes_that_the_log_never_had_in_this_order_have_no_proof(log: Store, first: int, second: int) -> None:
    with pytest.raises(InvalidInput):
        prove_growth(log, first, second)
    log.close()


def test_a_checkpoint_says_what_it_signed_and_anybody_can_read_it(log: Store) -> None:
    signed = checkpoint_now(log)
    log.close()
    found = read_checkpoint(str(signed["note"]), str(signed["key"]))
    assert (found.size, found.origin, found.root.hex()) == (EVENTS, signed["origin"], signed["root"])
    assert str(signed["note"]).split("\n")[:2] == [signed["origin"], str(EVENTS)]


@pytest.mark.parametrize("note", ["", "a\nb\nc\n\n", "a\n01\nAAAA\n\n", "a\n1\nAAAA\n\n— a AAAA\n", "\n1\n" + "A" * 44])
def test_what_is_no_checkpoint_is_refused(log: Store, note: str) -> None:
    key = str(checkpoint_now(log)["key"])
    log.close()
    with pytest.raises(WorkbenchError):
        read_checkpoint(note, key)
