"""Builders: one module per public dataset or layout; `registry` lists them."""
