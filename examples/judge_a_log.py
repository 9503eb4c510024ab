"""A simulated shop writes its log; what would another policy have earned on it, and does the log bear that out?"""

import policies
from benchmarks.logbook import Logbook
from benchmarks.off_policy import estimate
from benchmarks.runner import run
from envs.simulated import Simulated

season = Logbook(Simulated("spring_launch", seed=1))
run(policies.load("uniform", season.problem), season)  # a shop that shows products at random: its log can judge anybody
log = season.log()

half = len(log) // 2
policy = policies.load("linucb(alpha=0.1)", log.problem, seed=0)
policy.learn(log.feedback.take(slice(None, half)))  # learns on the first half, is judged on the second
rest = log.feedback.take(slice(half, None))
table = estimate(rest, policy.probabilities(rest.decisions), ("ips", "snips", "dr"))
print(table[["value", "lower", "upper", "verdict", "reason"]].to_string())
