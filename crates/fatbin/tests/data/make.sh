#!/bin/bash
# Makes the images in this folder again: NVCC=/path/to/nvcc ./make.sh
set -euo pipefail
cd "$(dirname "$0")"
: "${NVCC:=nvcc}"
three_images="-gencode arch=compute_80,code=compute_80 -gencode arch=compute_90a,code=compute_90a
    -gencode arch=compute_86,code=sm_86"
for mode in none speed balance; do
    "$NVCC" -fatbin -compress-mode=$mode $three_images kernels.cu -o compress-$mode.fatbin
done
"$NVCC" -fatbin -compress-mode=size --concat -gencode arch=compute_75,code=[compute_75,sm_75] \
    -gencode arch=compute_86,code=[compute_86,sm_86] -gencode arch=compute_90a,code=compute_90a \
    -gencode arch=compute_120f,code=compute_120f kernels.cu -o concatenated.fatbin
"$NVCC" -fatbin -G -compress-mode=size -arch=compute_80 kernels.cu -o debug.fatbin
"$NVCC" -fatbin -rdc=true -compress-mode=size -arch=compute_75 kernels.cu -o relocatable.fatbin
"$NVCC" -fatbin -dlto -compress-mode=size -arch=sm_80 kernels.cu -o lto.fatbin
"$NVCC" -fatbin -compress-mode=size -gencode arch=compute_86,code=sm_86 -gencode arch=compute_90a,code=sm_90a \
    kernels.cu -o machine-code-only.fatbin
"$NVCC" -fatbin -compress-mode=size -arch=compute_121 kernels.cu -o too-new.fatbin
"$NVCC" -cubin -arch=sm_86 kernels.cu -o sm_86.cubin
