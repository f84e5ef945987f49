// MLIRHeaders.h is compiled with this file.
