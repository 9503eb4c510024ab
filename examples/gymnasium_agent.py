"""An agent of Gymnasium's kind in the market: show at random, keep what sold (pip install launchsim[gym])."""

import gymnasium
import numpy as np

import envs.gymnasium  # noqa: F401  (makes the market known)

market = gymnasium.make("launchsim/Market-v0", scenario="spring_launch")
seen, info = market.reset(seed=1)
earned, over = 0.0, False
for _ in range(2_000):
    action = market.action_space.sample(seen["available"].astype(np.int8))
    seen, reward, terminated, over, info = market.step(action)
    earned += reward
    if over:
        break
print(f"{earned:.0f} units sold from slots by day {info['day']:.1f}")
