"""What would this policy have earned on that log? The room's face: estimates, with a verdict each."""

from benchmarks.off_policy.evaluation import (
    METHODS,
    Accumulator,
    Evaluation,
    estimate,
    evaluate,
    evaluate_shards,
)

__all__ = ["METHODS", "Accumulator", "Evaluation", "estimate", "evaluate", "evaluate_shards"]
