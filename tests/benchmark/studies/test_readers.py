"""Opinions become a label, doubt is told apart, and a patient is never learned from and scored at once."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression

from workbench.benchmark.metrics.auc import auc_delong
from workbench.benchmark.studies import readers
from workbench.benchmark.studies.readers import ReaderStudy, cross_validated, fit_logistic, reader_study
from workbench.errors import InvalidInput, NotFound


@pytest.fixture(scope="module")
def embedded() -> ReaderStudy:
    return reader_study("embedded")


def test_the_median_opinion_is_the_label_and_three_is_doubt(embedded: ReaderStudy) -> None:
    medians = np.array([np.median(given) for given in embedded.opinions])
    assert embedded.nodules["positive"].tolist() == (medians > 3).tolist()
    assert embedded.nodules["in_doubt"].tolist() == (medians == 3).tolist()
    assert 0.2 < embedded.nodules["in_doubt"].mean() < 0.4


def test_the_same_seed_draws_the_same_readers(embedded: ReaderStudy) -> None:
    again = reader_study("embedded")
    pd.testing.assert_frame_equal(again.nodules, embedded.nodules)
    assert reader_study("embedded", seed=1).opinions != embedded.opinions


def test_leaving_the_doubtful_out_flatters_the_number(embedded: ReaderStudy) -> None:
    keep, positive = ~embedded.nodules["in_doubt"].to_numpy(), embedded.nodules["positive"].to_numpy()
    honest = auc_delong(positive, cross_validated(embedded))
    trap = auc_delong(positive[keep], cross_validated(embedded, keep))
    assert honest.interval is not None and honest.interval[1] < trap.value


def test_one_reader_is_compared_with_the_others_where_those_agree() -> None:
    nodules = pd.DataFrame({"patient": ["A"]})
    study = ReaderStudy("embedded", "x", nodules, ((5, 1, 3),), ())
    truth, opinion, patient = study.one_against_others()
    # Against 5, the median of 1 and 3 is 2: no. Against 1, that of 5 and 3 is 4: yes. Against 3 it is 3: in doubt.
    assert (truth.tolist(), opinion.tolist(), patient) == ([False, True], [5.0, 1.0], ["A", "A"])


def test_no_patient_is_learned_from_and_scored_at_once(monkeypatch: pytest.MonkeyPatch, embedded: ReaderStudy) -> None:
    learned: list[int] = []
    real = readers.fit_logistic
    monkeypatch.setattr(readers, "fit_logistic", lambda x, y: learned.append(len(y)) or real(x, y))
    cross_validated(embedded)
    sizes = embedded.nodules.groupby("patient").size()
    folds = [sum(sizes.iloc[number :: readers.FOLDS]) for number in range(readers.FOLDS)]
    assert learned == [len(embedded.nodules) - size for size in folds]


def test_the_model_is_that_of_scikit_learn() -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(200, 3))
    y = (rng.random(200) < 1 / (1 + np.exp(-x[:, 0] + 0.5))).astype(float)
    oracle = LogisticRegression(C=1 / readers.RIDGE, tol=1e-12, max_iter=1000).fit(x, y)
    mine = fit_logistic(np.column_stack([np.ones(200), x]), y)
    np.testing.assert_allclose(mine, [oracle.intercept_[0], *oracle.coef_[0]], atol=1e-6)


def test_a_separable_table_ends_in_finite_weights() -> None:
    x = np.column_stack([np.ones(6), np.arange(6.0) - 2.5])
    assert np.isfinite(fit_logistic(x, (x[:, 1] > 0).astype(float))).all()


def test_another_source_and_a_missing_package_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InvalidInput, match="one of installed, lidc, embedded"):
        reader_study("cancer")
    monkeypatch.setattr(readers, "installed", lambda: None)
    with pytest.raises(NotFound, match="not installed"):
        reader_study("lidc")
    assert reader_study("installed").source == "embedded"
