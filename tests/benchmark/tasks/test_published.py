"""Custodians publish tasks on hidden data they answer for; the package's are always there."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import resources

import pytest

from workbench.benchmark.tasks import published
from workbench.benchmark.tasks.definition import TaskDefinition, definitions
from workbench.errors import AccessDenied, Conflict, InvalidInput, NotFound
from workbench.governance.catalogue import NewDataset, register_dataset
from workbench.governance.people import add_person, seed
from workbench.governance.store import Store
from workbench.settings import Settings

SHIPPED = (resources.files("workbench.benchmark") / "tasks" / "nodule-malignancy.yaml").read_text()
TEXT = SHIPPED.replace("id: nodule-malignancy", "id: own-task").replace("chest-ct-test", "own-test")


@pytest.fixture
def store(home: Settings) -> Iterator[Store]:
    store = Store(home.store, (published.SCHEMA,))
    seed(store, home)
    add_person(store, "custodian", "other", "Other", ("custodian",))
    for name, tier in (("chest-ct", "open"), ("own-test", "undisclosed"), ("clinic-ct", "controlled")):
        register_dataset(store, "custodian", NewDataset(name, name, tier, "custodian"))
    yield store
    store.close()


def ids(store: Store) -> list[str]:
    return [task.id for task in published.tasks_of(store)]


def test_a_home_begins_with_the_tasks_of_the_package(store: Store) -> None:
    assert ids(store) == list(definitions())
    assert published.task_of(store, "nodule-malignancy") == definitions()["nodule-malignancy"]
    assert published.text_of(store, "nodule-malignancy") == SHIPPED


def test_a_custodian_publishes_and_everybody_sees_it(store: Store) -> None:
    done = published.publish(store, "custodian", TEXT)
    assert ids(store)[-1] == "own-task"
    assert [one["person"] for one in done["published"]] == ["custodian"]
    assert published.open_task(store, "own-task").splits["final_test"].dataset == "own-test"
    event = store.read().execute("SELECT actor, resource FROM audit WHERE action = 'task.publish'").fetchall()
    assert [tuple(row) for row in event] == [("custodian", "own-task")]


def test_publishing_again_makes_a_new_version(store: Store) -> None:
    published.publish(store, "custodian", TEXT)
    before = published.task_of(store, "own-task").version({})
    published.publish(store, "custodian", TEXT.replace("seed: 16", "seed: 17"))
    assert published.task_of(store, "own-task").version({}) != before
    assert len(published.published(store, "own-task")["published"]) == 2
    assert ids(store).count("own-task") == 1


@pytest.mark.parametrize("person", ["researcher", "other", "checker-1"])
def test_nobody_else_publishes_on_hidden_data(store: Store, person: str) -> None:
    with pytest.raises(AccessDenied):
        published.publish(store, person, TEXT)
    assert ids(store) == list(definitions())
    denied = store.read().execute("SELECT actor, resource FROM audit WHERE outcome = 'denied'").fetchall()
    assert [tuple(row) for row in denied] == [(person, "own-test")]


def test_an_id_cannot_be_taken_over_by_another_custodian(store: Store) -> None:
    published.publish(store, "custodian", TEXT)
    register_dataset(store, "other", NewDataset("their-test", "Theirs", "undisclosed", "other"))
    with pytest.raises(AccessDenied):
        published.publish(store, "other", TEXT.replace("own-test", "their-test"))


@pytest.mark.parametrize("old", ["own-test", "chest-ct,"])
def test_a_test_that_people_could_read_is_refused(store: Store, old: str) -> None:
    new = "clinic-ct" if old == "own-test" else "own-test-2,"
    if old != "own-test":
        register_dataset(store, "custodian", NewDataset("own-test-2", "Hidden", "undisclosed", "custodian"))
    with pytest.raises(Conflict, match="people can come to read" if old == "own-test" else "nobody can learn from it"):
        published.publish(store, "custodian", TEXT.replace(old, new))


def test_ids_of_the_package_and_unchanged_files_are_refused(store: Store) -> None:
    with pytest.raises(Conflict, match="a task of the package"):
        published.publish(store, "custodian", TEXT.replace("own-task", "nodule-malignancy"))
    published.publish(store, "custodian", TEXT)
    with pytest.raises(Conflict, match="just like this already"):
        published.publish(store, "custodian", TEXT)


def test_a_wrong_file_is_refused_with_its_line(store: Store) -> None:
    with pytest.raises(InvalidInput, match="the task, line 3: kind: “x” will not do"):
        published.publish(store, "custodian", TEXT.replace("kind: binary", "kind: x"))


def test_what_does_not_fit_its_data_is_not_published(store: Store) -> None:
    def look(task: TaskDefinition) -> None:
        raise InvalidInput(f"{task.id} does not fit")

    with pytest.raises(InvalidInput, match="own-task does not fit"):
        published.publish(store, "custodian", TEXT, look=look)
    assert ids(store) == list(definitions())


def test_a_retired_task_takes_nothing_and_is_still_known(store: Store) -> None:
    published.publish(store, "custodian", TEXT)
    published.retire(store, "custodian", "own-task", "labels were wrong")
    assert "own-task" not in ids(store)
    assert published.task_of(store, "own-task").id == "own-task"
    with pytest.raises(Conflict, match="was retired on .*: labels were wrong. Its board stays"):
        published.open_task(store, "own-task")


def test_a_retired_task_comes_back_when_it_is_published_again(store: Store) -> None:
    published.publish(store, "custodian", TEXT)
    published.retire(store, "custodian", "own-task", "wait")
    published.publish(store, "custodian", TEXT)
    assert published.open_task(store, "own-task").id == "own-task"


@pytest.mark.parametrize(
    ("person", "task", "reason", "error"),
    [
        ("custodian", "nodule-malignancy", "old", Conflict),
        ("custodian", "nothing", "old", NotFound),
        ("other", "own-task", "old", AccessDenied),
        ("custodian", "own-task", " ", InvalidInput),
        ("custodian", "own-task", "two\nlines", InvalidInput),
    ],
)
def test_who_may_not_retire_a_task_is_told_why(
    store: Store, person: str, task: str, reason: str, error: type[Exception]
) -> None:
    published.publish(store, "custodian", TEXT)
    with pytest.raises(error):
        published.retire(store, person, task, reason)


def test_a_task_is_retired_once(store: Store) -> None:
    published.publish(store, "custodian", TEXT)
    published.retire(store, "custodian", "own-task", "old")
    with pytest.raises(Conflict, match="retired already"):
        published.retire(store, "custodian", "own-task", "old")


def test_an_unknown_task_names_the_nearest(store: Store) -> None:
    with pytest.raises(NotFound, match="the nearest is “nodule-malignancy”"):
        published.task_of(store, "nodule-malignanci")


def test_a_task_of_older_rules_is_left_out_of_the_list(store: Store) -> None:
    published.publish(store, "custodian", TEXT)
    with store.change("custodian", "test", "tasks") as db:
        db.execute("UPDATE tasks SET text = 'kind: gone'")
    assert ids(store) == list(definitions())
    with pytest.raises(InvalidInput, match="own-task, line 1"):
        published.task_of(store, "own-task")
