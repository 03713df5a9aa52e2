"""The corpus: real packages, built, copied and run, judged by programs that this project did not write."""
