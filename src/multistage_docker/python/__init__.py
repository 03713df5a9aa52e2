"""What Python's own files say: who installed a file, which interpreter runs a tree."""
