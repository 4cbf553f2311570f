//! The CUDA driver API, declared once: table, C types, error codes.
