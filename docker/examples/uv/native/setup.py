"""Builds the extension; setuptools reads the rest from pyproject.toml."""

from setuptools import Extension, setup

setup(py_modules=[], ext_modules=[Extension("libyaml_version", ["version.c"], libraries=["yaml"])])
