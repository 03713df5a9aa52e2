"""What the package system knows. Knows nothing of ELF."""
