#!/usr/bin/env bash
# Map a folder of slides as a job array of SLURM; the last job puts the parts together.
#
#     N=50 SLIDES=/data/slides OUT=/data/maps ./slurm.sh
#
# CancerNet has to be installed on the nodes (pip install 'cancernet[slide]'), and the paths have to lead to the same
# files there. A job that was killed is begun again by the same command: slides that are done are not done again.
set -euo pipefail

: "${SLIDES:?folder of the slides}" "${OUT:?folder for the results}"
N=${N:-10}
CPUS=${CPUS:-2}

# Exit code 1 says that something was left out, which is in errors.csv: no reason to call the job failed.
map="cancernet slide '$SLIDES' --out '$OUT' --shard \$SLURM_ARRAY_TASK_ID/$N --threads $CPUS || [ \$? -eq 1 ]"

array=$(sbatch --parsable --array="1-$N" --cpus-per-task="$CPUS" --mem=4G --requeue --wrap="$map")
sbatch --dependency="afterok:$array" --mem=1G --wrap="cancernet gather '$OUT' || [ \$? -eq 1 ]"
