"""A what-if app in the browser: a scenario turned and edited, policies, Run; shown as on the page."""
