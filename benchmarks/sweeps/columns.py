"""The columns of what is kept of a run."""

SALES = ("units", "revenue", "margin")  # the whole shop's, net of returns
SEASON_TOTALS = (  # the same in every row of a run
    *("cold_start", "incumbents", "lost_sales", "returned", "leftovers", "conversion", "seconds"),
)
