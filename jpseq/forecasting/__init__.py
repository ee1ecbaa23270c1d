"""Forecasts of numbers, beside the naive ones."""
