"""Training: the step, the asynchronous solver, the state of a run and its data.

`task_gradients` is the core of the project; read it first.
"""
