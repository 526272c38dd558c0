#!/usr/bin/env bash
# Map a folder of slides on the workers of a Dask scheduler. Here all of it runs on this machine, out of reach of
# others: whoever reaches a scheduler can run anything on its workers.
#
#     ./dask.sh /data/slides /data/maps
#
# The exit code is that of `cancernet slide`. Give the same command again when it was stopped: it goes on.
set -euo pipefail

slides=${1:?folder of the slides} out=${2:?folder for the results}
where=$(mktemp -d)
trap 'kill $(jobs -p) 2>/dev/null || true; wait; rm -rf "$where"' EXIT

# One thread a worker: a worker does as many slides at once as it has threads.
dask scheduler --host 127.0.0.1 --port 0 --no-dashboard --scheduler-file "$where/scheduler.json" \
  >"$where/scheduler.log" 2>&1 &
scheduler=$!
until [ -s "$where/scheduler.json" ]; do
  kill -0 "$scheduler" 2>/dev/null || { cat "$where/scheduler.log" >&2; exit 2; }
  sleep 0.2
done
dask worker --scheduler-file "$where/scheduler.json" --nworkers "${WORKERS:-2}" --nthreads 1 --no-dashboard \
  --local-directory "$where" >"$where/worker.log" 2>&1 &

cancernet slide "$slides" --out "$out" --scheduler "$where/scheduler.json"
