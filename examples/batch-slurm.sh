#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# A clip for each row of a table, made by the tasks of a Slurm array. They share the rows out by the
# ledger, whichever of them run at the same time: what one that is killed or preempted was at goes on
# and is taken over.
#   sbatch --array=0-7 examples/batch-slurm.sh rows.csv /shared/clips [OPTION…]
#
# All nodes need GENPRO_LEDGER, a server (postgresql://…), or a file where all tasks run on one node,
# and the API's key, as in `sbatch --export=ALL`.
#SBATCH --job-name=genpro-batch
#SBATCH --ntasks=1
#SBATCH --cpus-per-task=1
#SBATCH --mem=1G
#SBATCH --requeue
#SBATCH --signal=B:TERM@60
set -eu
rows=$1
folder=$2
shift 2

exec genpro batch "$rows" --out "$folder" --ledger "$GENPRO_LEDGER" --jobs 2 \
  --on-shutdown detach "$@"
