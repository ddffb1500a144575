"""Running the system: the command line, the embedded processes, database roles, invariants, the demo and benches."""
