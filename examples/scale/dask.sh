#!/usr/bin/env bash
# Map a folder of slides on a Dask cluster. Here all of it runs on this machine; on others start the workers there,
# with the same version of CancerNet and the same paths.
#
#     ./dask.sh /data/slides /data/maps
set -euo pipefail

slides=$1 out=$2
where=$(mktemp -d)
trap 'kill $(jobs -p) 2>/dev/null || true; wait; rm -rf "$where"' EXIT

# One thread a worker: a worker does as many slides at once as it has threads.
dask scheduler --scheduler-file "$where/scheduler.json" --no-dashboard >"$where/scheduler.log" 2>&1 &
dask worker --scheduler-file "$where/scheduler.json" --nworkers 2 --nthreads 1 --no-dashboard >"$where/worker.log" 2>&1 &
until [ -s "$where/scheduler.json" ]; do sleep 0.2; done

cancernet slide "$slides" --out "$out" --scheduler "$where/scheduler.json"
