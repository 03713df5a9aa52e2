"""The doors: each command's options are parsed, wired to a use case and its result rendered. No decisions."""
