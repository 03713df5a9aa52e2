# Stand-ins for python:3.11-slim-SUITE (target slim) and python:3.11-SUITE (target full), on images that base-images
# has built before. CPython is compiled once, on bookworm: what it links against has the same sonames in trixie.
# These images stand for what a suite has today, so no version is pinned.
# hadolint global ignore=DL3008
ARG PREFIX=""
ARG SUITE=bookworm

FROM ${PREFIX}debian:bookworm AS compiled
SHELL ["/bin/bash", "-o", "pipefail", "-ec"]
ENV DEBIAN_FRONTEND=noninteractive
WORKDIR /tmp/python
# Only the release's own index of sources: nothing newer is needed, and fewer indexes can be out of step.
RUN sed -n '/ bookworm main/s/^deb /deb-src /p' /etc/apt/sources.list > /etc/apt/sources.list.d/source.list; \
    apt-get -qq update; \
    apt-get -qq install -y --no-install-recommends gcc make pkg-config dpkg-dev libc6-dev libbz2-dev libexpat1-dev \
        libffi-dev libgdbm-dev liblzma-dev libncurses-dev libreadline-dev libsqlite3-dev libssl-dev uuid-dev zlib1g-dev; \
    apt-get -qq source --download-only python3.11; \
    tar -xf python3.11_*.orig.tar.* --strip-components=1
# As in the official images: a shared libpython, no tests, no bytecode.
RUN ./configure --prefix=/usr/local --enable-shared --enable-loadable-sqlite-extensions --with-system-expat \
        --without-ensurepip --disable-test-modules LDFLAGS=-Wl,--strip-all; \
    make -j"$(nproc)"; \
    make install DESTDIR=/tmp/root
WORKDIR /tmp/root/usr/local
RUN rm -rf lib/python3.11/test lib/libpython3.11.a lib/python3.11/config-3.11-*/libpython3.11.a; \
    find . -name __pycache__ -prune -exec rm -rf {} +; \
    ln -s python3 bin/python

FROM ${PREFIX}debian:${SUITE}-slim AS slim
SHELL ["/bin/bash", "-o", "pipefail", "-ec"]
ENV PATH=/usr/local/bin:/usr/local/sbin:/usr/sbin:/usr/bin:/sbin:/bin LANG=C.UTF-8
COPY --from=compiled /tmp/root/usr/local/ /usr/local/
# The names of the libraries' packages differ between suites: those that this one has are installed.
RUN export DEBIAN_FRONTEND=noninteractive PYTHONDONTWRITEBYTECODE=1; \
    apt-get -qq update; \
    apt-cache --generate pkgnames \
        | grep -xE 'netbase|libbz2-1\.0|libexpat1|libffi8|libgdbm6(t64)?|liblzma5|libncursesw6|libreadline8(t64)?|libsqlite3-0|libssl3(t64)?|libuuid1|zlib1g' \
        | xargs apt-get -qq install -y --no-install-recommends; \
    ldconfig; \
    python3 -m ensurepip; \
    ln -s pip3 /usr/local/bin/pip; \
    find /usr/local -name __pycache__ -prune -exec rm -rf {} +; \
    rm -rf /var/lib/apt/lists/* /var/cache/ldconfig/aux-cache /var/log/apt /var/log/*.log /root/.cache
CMD ["python3"]

FROM slim AS full
RUN export DEBIAN_FRONTEND=noninteractive; \
    apt-get -qq update; \
    apt-get -qq install -y --no-install-recommends build-essential file git pkg-config \
        default-libmysqlclient-dev libbz2-dev libcurl4-openssl-dev libdb-dev libffi-dev libgdbm-dev libglib2.0-dev \
        libgmp-dev libjpeg-dev libkrb5-dev liblzma-dev libmagickcore-dev libmagickwand-dev libncurses-dev libpng-dev \
        libpq-dev libreadline-dev libsqlite3-dev libssl-dev libtool libwebp-dev libxml2-dev libxslt1-dev libyaml-dev \
        zlib1g-dev; \
    rm -rf /var/lib/apt/lists/* /var/log/apt /var/log/*.log
