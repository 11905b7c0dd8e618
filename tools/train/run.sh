#!/bin/sh
# run.sh - the whole recipe: vocabulary, conversations, training, files.
#
#   tools/train/run.sh CORPUS_DIR WORK_DIR [MINUTES]
#
# CORPUS_DIR holds stories.txt and heldout.txt.  Run again after an interruption: it resumes.
set -eu
[ $# -ge 2 ] || { echo "usage: run.sh CORPUS_DIR WORK_DIR [MINUTES]" >&2; exit 2; }
corpus=$1 work=$2 minutes=${3:-66}
here=$(cd "$(dirname "$0")" && pwd)
python=${PYTHON:-/usr/bin/python3}
mkdir -p "$work"

# Large tensors come and go every step: keep their memory instead of returning it to the system, and
# let a thread that waits give up its core soon (the other may need it).
export MALLOC_MMAP_THRESHOLD_=8589934592 MALLOC_TRIM_THRESHOLD_=17179869184
export MALLOC_TOP_PAD_=268435456 GOMP_SPINCOUNT=10000 OMP_NUM_THREADS="${THREADS:-2}"

"$python" "$here/bpe.py" "$corpus/stories.txt" 4096 "$work/merges.txt"
"$python" "$here/chat.py" "$corpus/stories.txt" "$work/chat.txt"
"$python" "$here/ngram.py" "$corpus" "$work/merges.txt"
"$python" "$here/train.py" --corpus "$corpus" --merges "$work/merges.txt" \
    --chat "$work/chat.txt" --out "$work" --minutes "$minutes" --threads "${THREADS:-2}" --resume
for type in F16 Q4_0; do
    "$python" "$here/export.py" "$work/state.pt" "$work/merges.txt" \
        "$work/lfm-stories-$type.gguf" --type "$type"
done
"$python" "$here/sample.py" "$work/state.pt" "$work/merges.txt" --heldout "$corpus"
