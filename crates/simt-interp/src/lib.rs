//! Reference interpreter of simt-ir.
