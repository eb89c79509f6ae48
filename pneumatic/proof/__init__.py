"""The instrument behind `manage.py prove_delivery`: a cluster, honest devices, faults, a checker.

docs/delivery.md says what it proves and how. Two borders matter: `checker` and what it reads share
no code with the server, and the server knows nothing of this package.
"""
