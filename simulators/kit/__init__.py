"""What the simulators share: clock, ledger, faults, notices, control API, start and stop."""
