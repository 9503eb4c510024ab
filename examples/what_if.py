"""The same shop with other traffic: does the winner stay the winner?"""

from benchmarks.compare import compare
from simulator.scenario import Scenario

if __name__ == "__main__":
    shop = Scenario.load("tight_stock")
    for factor in (0.5, 1.0, 2.0):
        arrivals = shop.arrivals.model_copy(update={"per_day": shop.arrivals.per_day * factor})
        found = compare(shop.changed(arrivals=arrivals), ["uniform", "popularity", "linucb(alpha=0.1)"], seeds=5)
        best = found.leaders[0]
        print(f"traffic x {factor}: {best}, {found.table.percent[best]:+.1f}% over uniform")
