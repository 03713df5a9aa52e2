"""What an ELF file says about itself and how ld.so reads it. Knows nothing of Debian's packages."""
