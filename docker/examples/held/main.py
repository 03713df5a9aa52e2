"""Show that both libraries work: the held one, and the one that was installed beside it."""

import psycopg2.extensions
import yaml

number = psycopg2.extensions.libpq_version()
print(f"libpq {number // 10000}.{number % 10000}")
print(yaml.load("libyaml: true", yaml.CSafeLoader))
