//! The parameters of a kernel.

use super::place::kernel_parameter;
use crate::ast::Function;

/// A parameter of a kernel in the parameter buffer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KernelParameter {
    /// Name in the PTX.
    pub name: String,
    /// Offset in the parameter buffer, in bytes.
    pub offset: u32,
    /// Size in bytes.
    pub size: u32,
}

/// The parameters of a kernel with their places in the parameter buffer: in order, each aligned to its own alignment. The
/// list ends before a parameter that no device takes, with which the kernel cannot be lowered.
pub fn kernel_parameters(function: &Function) -> Vec<KernelParameter> {
    let mut end = 0;
    let mut list = Vec::new();
    for declaration in &function.signature.params {
        for declarator in &declaration.names {
            let Ok((offset, new_end)) = kernel_parameter(end, declaration, declarator) else {
                return list;
            };
            list.push(KernelParameter { name: declarator.name.to_string(), offset, size: new_end as u32 - offset });
            end = new_end;
        }
    }
    list
}
