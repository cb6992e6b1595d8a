"""The services RefundDesk brings along, so that a machine with only Python can run and test it.

`python -m dev.embedded` is the command. PostgreSQL and Valkey come out of wheels; their programs are driven
directly, one folder of data each. Nothing in here is used by an installation that has its own database and broker, and
nothing in here imports Django: the services have to stand before the settings can be read.
"""
