"""gunicorn's settings."""

import os

bind = f"{os.environ.get('HOST', '0.0.0.0')}:{os.environ.get('PORT', '8000')}"  # noqa: S104 - as containers do
workers = 2
# Workers prove that they live by touching a file, here in memory: the file system may be read-only.
worker_tmp_dir = "/dev/shm"  # noqa: S108 - gunicorn makes the file safely
control_socket_disable = True
