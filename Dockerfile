# raravis on a CPU: serves a bundle, or runs any verb. No TensorFlow, no root, and nothing that it must write but /data.
#
#   docker build --tag raravis .
#   docker run --rm --publish 127.0.0.1:8000:8000 --env RARAVIS_TOKEN=… --volume "$PWD/bundle:/bundle:ro" raravis
#   docker run --rm --volume "$PWD:/data" raravis predict bundle photos --out identified.csv
#
# EXTRAS: what is installed beside the base (docs/install.md): serve, field, train, or several: serve,train
ARG PYTHON=3.11

FROM python:${PYTHON}-slim AS build
ARG EXTRAS=serve
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
WORKDIR /source
COPY pyproject.toml requirements.lock README.md LICENSE ./
COPY src src
RUN python -m venv /opt/raravis \
    && /opt/raravis/bin/python -m pip install --constraint requirements.lock ".[${EXTRAS}]" \
    && /opt/raravis/bin/python -m pip uninstall --yes pip setuptools

FROM python:${PYTHON}-slim
RUN useradd --uid 10001 --create-home raravis \
    && install --directory --owner=raravis --group=raravis /data
COPY --from=build /opt/raravis /opt/raravis
ENV PATH=/opt/raravis/bin:$PATH PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 RARAVIS_CACHE=/data/.cache
USER raravis
WORKDIR /data
VOLUME /data
EXPOSE 8000
HEALTHCHECK --interval=30s --timeout=5s --start-period=20s --retries=3 \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8000/healthz', timeout=4)"]
ENTRYPOINT ["raravis"]
CMD ["serve", "/bundle", "--host", "0.0.0.0", "--port", "8000", "--corrections", "/data/corrections.sqlite"]
