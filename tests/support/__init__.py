"""What the tests share: writers of input, and stand-ins for the system."""
