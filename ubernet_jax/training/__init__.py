"""What changes parameters: the step, the asynchronous solver, a run's state and what it tells.

`step` is the reason for the project; read it first.
"""
