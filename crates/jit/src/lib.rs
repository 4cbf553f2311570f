//! From a module's PTX to machine code of its kernels: parsed once, compiled when launched, kept on disk.
