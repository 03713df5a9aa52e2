"""Show the version of the libpq that psycopg2 loaded."""

import psycopg2.extensions

number = psycopg2.extensions.libpq_version()
print(f"libpq {number // 10000}.{number % 10000}")
