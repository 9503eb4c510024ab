"""Three policies in one shop: who sells more, by how much, and how sure is that?"""

from benchmarks.compare import compare

if __name__ == "__main__":
    found = compare("spring_launch", ["uniform", "popularity", "linucb(alpha=0.1)"], seeds=10)
    print(found.table[["sales", "difference", "difference_lower", "difference_upper", "verdict"]].round(1))
    figure, _ = found.draw("gain")
    figure.savefig("gain.png", dpi=150)
