#!/bin/sh
# Stands for ptxas: reports what it would of two kernels, of which the second one spills.
cat <<END
ptxas info    : 0 bytes gmem
ptxas info    : Compiling entry function 'first' for 'sm_90a'
ptxas info    : Function properties for first
    0 bytes stack frame, 0 bytes spill stores, 0 bytes spill loads
ptxas info    : Used 40 registers, used 1 barriers
ptxas info    : Compiling entry function 'second' for 'sm_90a'
ptxas info    : Function properties for second
    8 bytes stack frame, ${STORES:-8} bytes spill stores, 8 bytes spill loads
ptxas info    : Used 32 registers, used 1 barriers
END
exit ${STATUS:-0}
