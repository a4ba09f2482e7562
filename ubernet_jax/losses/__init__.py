"""Losses of scores and of boxes, as functions; which task uses which, `tasks` says."""
