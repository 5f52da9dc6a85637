# The worker's image. `nst image` builds it; so does, where the package index needs no settings,
#   docker build --build-arg TORCH_INDEX=<PyTorch's CPU index> -t nst-worker .
# Needs no BuildKit. docs/operations.md says what is in it, and what was left out.

# Any Debian with Python 3.11 or newer and pip: what of it the worker needs is copied from it.
ARG BASE_IMAGE=python:3.12-slim

FROM ${BASE_IMAGE} AS build
WORKDIR /src
# build/wheels is there when somebody hands the packages in; the brackets let it be missing.
COPY scripts/check_torch.py scripts/
COPY pyproject.toml constraints.txt scripts/worker_image build/wheel[s] ./
# An index with CPU builds of PyTorch; from others the build refuses to take gigabytes of CUDA.
ARG TORCH_INDEX=
RUN python3 packages.py /image/nst/lib
COPY system /image/nst/system
COPY worker /image/nst/worker
RUN python3 root.py /image && python3 compiled.py /image

FROM scratch
COPY --from=build /image /
ENV PATH=/usr/local/bin:/usr/bin \
    PYTHONPATH=/nst:/nst/lib \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    LANG=C.UTF-8
WORKDIR /nst
USER 10001:10001
EXPOSE 8000
HEALTHCHECK --interval=15s --timeout=3s --start-period=30s --retries=3 \
    CMD ["python3", "-I", "-S", "/nst/worker/health.py"]
# Python is process 1: it takes SIGTERM itself (worker/service/program.py) and has no children.
ENTRYPOINT ["python3", "-m", "worker"]
