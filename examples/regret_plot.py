"""Cumulative regret of several policies over one season."""

from matplotlib.figure import Figure

import policies
from benchmarks.runner import run
from envs.simulated import Simulated

figure = Figure(figsize=(7, 4), layout="constrained")
axes = figure.subplots()
for call in ("uniform", "popularity", "linucb(alpha=0.1)"):
    environment = Simulated("spring_launch", seed=1)
    trace = run(policies.load(call, environment.problem, seed=0), environment)
    axes.plot(trace.times, trace.regrets.cumsum(), label=call)
axes.set(xlabel="days", ylabel="expected units given away", title="Cumulative regret, one season")
axes.legend()
figure.savefig("regret.png", dpi=150)
