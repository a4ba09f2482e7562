"""Builders: one public dataset (or layout) a module; `registry` names them all."""
