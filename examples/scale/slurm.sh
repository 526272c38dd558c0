#!/usr/bin/env bash
# Map a folder of slides as a job array of SLURM; one more job puts the parts together.
#
#     N=50 SLIDES=/data/slides OUT=/data/maps ./slurm.sh
#
# CancerNet has to be on the PATH of the nodes (pip install 'cancernet[slide]'), and the paths have to lead to the same
# files there. Give the same command again when a job failed: slides that are done are not done again.
set -euo pipefail

# Exit code 1 says that something was left out, which is in errors.csv: no reason to call the job failed.
allow_left_out() { "$@" || [ $? -eq 1 ]; }

case ${1-} in # SLURM starts copies of this script with what to do; so no path is quoted twice
  map)
    allow_left_out cancernet slide "$2" --out "$3" --shard "$SLURM_ARRAY_TASK_ID/$4" --threads "$5"
    exit
    ;;
  gather)
    allow_left_out cancernet gather "$2"
    exit
    ;;
esac

: "${SLIDES:?folder of the slides}" "${OUT:?folder for the results}"
N=${N:-10}       # jobs; no more than there are slides
CPUS=${CPUS:-2}  # of a job

array=$(sbatch --parsable --job-name=map --array="1-$N" --cpus-per-task="$CPUS" --mem=4G --requeue \
  "$0" map "$SLIDES" "$OUT" "$N" "$CPUS")
array=${array%%;*} # of several clusters the name of one follows
# Where a job of the array failed, this one is taken out of the queue instead of waiting for ever.
sbatch --job-name=gather --dependency="afterok:$array" --kill-on-invalid-dep=yes --mem=1G "$0" gather "$OUT"
