"""A log of a season as dsjson for Vowpal Wabbit; coba and Open Bandit Pipeline go the same way."""

import policies
from benchmarks.logbook import Logbook
from benchmarks.runner import run
from envs import exports
from envs.simulated import Simulated

season = Logbook(Simulated("spring_launch", seed=1))
run(policies.load("uniform", season.problem), season)
log = season.log()
print(exports.dsjson(log, "season.dsjson"), "lines for vw --dsjson -d season.dsjson --cb_explore_adf")
