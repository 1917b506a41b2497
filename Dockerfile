# The worker. Build: docker build --tag marketbel-worker .
# Behind a mirror of the package index: --build-arg PIP_INDEX_URL=…

FROM python:3.12-slim AS build
ARG PIP_INDEX_URL
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 \
    PIP_NO_CACHE_DIR=1
WORKDIR /build

# What changes seldom comes first, so that a change of ours installs nothing anew. Wheels alone: a
# package that had to be compiled would run its own code here.
COPY requirements-build.txt requirements-worker.txt ./
RUN python -m venv tools \
    && tools/bin/pip install --require-hashes --only-binary :all: -r requirements-build.txt \
    && python -m venv --without-pip /opt/marketbel \
    && tools/bin/pip --python /opt/marketbel/bin/python install \
        --require-hashes --only-binary :all: -r requirements-worker.txt

COPY LICENSE README.md pyproject.toml ./
COPY examples examples
COPY migrations migrations
COPY src src
RUN tools/bin/python -m hatchling build --target wheel --directory dist \
    && tools/bin/pip --python /opt/marketbel/bin/python install --no-deps --no-index dist/*.whl


FROM python:3.12-slim
# Debian keeps only the newest tini, so a pinned one would stop the next build.
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install --yes --no-install-recommends tini \
    && rm -rf /var/lib/apt/lists/* \
    && groupadd --gid 1000 worker \
    && useradd --uid 1000 --gid 1000 --no-create-home --shell /usr/sbin/nologin worker \
    && install --directory --owner=worker --group=worker /app /shared/uploads
COPY --from=build /opt/marketbel /opt/marketbel
COPY scripts/health_check.py /opt/marketbel/health_check.py
ENV PATH=/opt/marketbel/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1
WORKDIR /app
USER 1000:1000
VOLUME ["/shared/uploads"]

HEALTHCHECK --interval=30s --timeout=10s --start-period=40s --retries=3 \
    CMD ["python", "/opt/marketbel/health_check.py"]
ENTRYPOINT ["tini", "--"]
CMD ["marketbel", "worker"]
