"""From scores to probabilities."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from policies import selection

SCORES = np.array([[1.0, 3.0, 3.0, 2.0], [5.0, 5.0, 5.0, 5.0], [-1.0, -2.0, -3.0, -4.0]])
AVAILABLE = np.array([[True, True, True, True], [True, False, True, False], [False, False, True, True]])


def test_greedy_shares_among_the_best_available() -> None:
    np.testing.assert_array_equal(
        selection.greedy(SCORES, AVAILABLE), [[0, 0.5, 0.5, 0], [0.5, 0, 0.5, 0], [0, 0, 1, 0]]
    )


def test_greedy_finds_the_best_of_scores_that_are_all_minus_infinity() -> None:
    np.testing.assert_array_equal(
        selection.greedy(np.full((1, 3), -np.inf), np.array([[True, False, True]])), [[0.5, 0, 0.5]]
    )


def test_epsilon_is_spread_over_the_available_only() -> None:
    expected = [[0.1, 0.4, 0.4, 0.1], [0.5, 0, 0.5, 0], [0, 0, 0.8, 0.2]]
    np.testing.assert_allclose(selection.epsilon_greedy(SCORES, AVAILABLE, 0.4), expected, atol=1e-15)


def test_one_row_of_scores_serves_every_decision() -> None:
    np.testing.assert_array_equal(
        selection.epsilon_greedy(SCORES[:1], AVAILABLE, 0.2),
        selection.epsilon_greedy(np.repeat(SCORES[:1], 3, axis=0), AVAILABLE, 0.2),
    )


def test_epsilon_first_takes_the_lowest_rank_and_the_earlier_of_equals() -> None:
    ranks = np.array([2, 1, 0, 0])
    expected = [[0.05, 0.05, 0.85, 0.05], [0.1, 0, 0.9, 0], [0, 0, 0.9, 0.1]]
    np.testing.assert_allclose(selection.epsilon_first(ranks, AVAILABLE, 0.2), expected, atol=1e-15)


def test_softmax_is_proportional_to_the_exponential() -> None:
    expected = np.exp([0.5, 1.5, 1.5, 1.0]) / np.exp([0.5, 1.5, 1.5, 1.0]).sum()
    np.testing.assert_allclose(selection.softmax(SCORES, AVAILABLE, 2.0)[0], expected)
    np.testing.assert_allclose(selection.softmax(1000 * SCORES, AVAILABLE, 1.0)[2], [0, 0, 1, 0])


def test_fraction_won_counts_the_draws_won_among_the_available_and_splits_ties() -> None:
    draws = np.array([[[1.0, 2.0, 0.0], [3.0, 9.0, 3.0], [0.0, 1.0, 2.0], [0.0, 5.0, 4.0]]])
    np.testing.assert_allclose(selection.fraction_won(draws, np.ones((1, 3), bool)), [[0, 0.75, 0.25]])
    np.testing.assert_allclose(selection.fraction_won(draws, np.array([[True, False, True]])), [[0.375, 0, 0.625]])


def test_normal_draws_win_as_often_as_the_same_draws_written_out() -> None:
    rng = np.random.default_rng(0)
    means, deviations, normals = rng.normal(size=(6, 4)), rng.random((6, 4)), rng.normal(size=(50, 4))
    available = rng.random((6, 4)) < 0.6
    available[:, 1] = True
    written_out = means[:, np.newaxis] + deviations[:, np.newaxis] * normals
    np.testing.assert_allclose(
        selection.normal_fraction_won(means, deviations, normals, available),
        selection.fraction_won(written_out, available),
    )


@given(
    arrays(float, (3, 5), elements=st.floats(-1e6, 1e6)),
    arrays(bool, (3, 5)),
    st.floats(0, 1),
    st.floats(0.01, 100),
)
def test_every_selection_is_a_distribution_over_the_available(
    scores: np.ndarray, available: np.ndarray, epsilon: float, temperature: float
) -> None:
    available[:, 2] = True
    for probabilities in (
        selection.uniform(available),
        selection.epsilon_greedy(scores, available, epsilon),
        selection.epsilon_first(np.arange(5), available, epsilon),
        selection.softmax(scores, available, temperature),
        selection.fraction_won(scores[:, np.newaxis], available),
    ):
        assert np.all(probabilities >= 0)
        assert np.all(probabilities[~available] == 0)
        np.testing.assert_allclose(probabilities.sum(axis=1), 1)
