//! The target machine: optimisation passes and object code.

use std::ffi::{CStr, CString};
use std::ops::Deref;
use std::sync::{Mutex, Once, PoisonError};

use llvm_sys::core::LLVMDisposeMessage;
use llvm_sys::error::{LLVMDisposeErrorMessage, LLVMGetErrorMessage};
use llvm_sys::target_machine::*;
use llvm_sys::transforms::pass_builder::*;

use super::Ir;

/// What went wrong inside LLVM.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct MachineError(pub String);

impl std::fmt::Display for MachineError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for MachineError {}

/// A target machine for this host.
pub struct Machine(LLVMTargetMachineRef);

// SAFETY: LLVM's target machines belong to no thread; one thread at a time uses this one, since nothing here is `Sync`.
unsafe impl Send for Machine {}

impl Drop for Machine {
    fn drop(&mut self) {
        // SAFETY: made by `new`, disposed of once.
        unsafe { LLVMDisposeTargetMachine(self.0) }
    }
}

impl Machine {
    /// A machine for CPU `cpu` with `features` (LLVM's names, `+a,-b`). `quick` makes worse code in much less time.
    pub fn new(cpu: &str, features: &str, quick: bool) -> Result<Self, MachineError> {
        static INITIALIZE: Once = Once::new();
        INITIALIZE.call_once(|| {
            // SAFETY: plain registration of the x86 back end, once.
            unsafe {
                llvm_sys::target::LLVMInitializeX86TargetInfo();
                llvm_sys::target::LLVMInitializeX86Target();
                llvm_sys::target::LLVMInitializeX86TargetMC();
                llvm_sys::target::LLVMInitializeX86AsmPrinter();
            }
        });
        let cpu = CString::new(cpu).map_err(|_| MachineError("CPU name with NUL".into()))?;
        let features = CString::new(features).map_err(|_| MachineError("CPU features with NUL".into()))?;
        let triple = c"x86_64-unknown-linux-gnu";
        // SAFETY: strings are NUL-terminated; out parameters are valid; messages are disposed of after being copied.
        unsafe {
            let mut target = std::ptr::null_mut();
            let mut message = std::ptr::null_mut();
            if LLVMGetTargetFromTriple(triple.as_ptr(), &mut target, &mut message) != 0 {
                return Err(take_message(message));
            }
            let machine = LLVMCreateTargetMachine(
                target,
                triple.as_ptr(),
                cpu.as_ptr(),
                features.as_ptr(),
                if quick {
                    LLVMCodeGenOptLevel::LLVMCodeGenLevelNone
                } else {
                    LLVMCodeGenOptLevel::LLVMCodeGenLevelDefault
                },
                LLVMRelocMode::LLVMRelocPIC,
                LLVMCodeModel::LLVMCodeModelDefault,
            );
            if machine.is_null() {
                return Err(MachineError("LLVM knows no such target machine".into()));
            }
            Ok(Self(machine))
        }
    }

    /// The host's CPU name and features as LLVM sees them.
    pub fn host() -> (String, String) {
        // SAFETY: the strings are NUL-terminated and disposed of after being copied.
        unsafe {
            let cpu = LLVMGetHostCPUName();
            let features = LLVMGetHostCPUFeatures();
            let result = (
                CStr::from_ptr(cpu).to_string_lossy().into_owned(),
                CStr::from_ptr(features).to_string_lossy().into_owned(),
            );
            LLVMDisposeMessage(cpu);
            LLVMDisposeMessage(features);
            result
        }
    }

    /// Runs a pipeline of passes, in LLVM's text form.
    pub fn run_passes(&self, ir: &Ir, pipeline: &str) -> Result<(), MachineError> {
        let pipeline = CString::new(pipeline).map_err(|_| MachineError("pipeline with NUL".into()))?;
        // SAFETY: module and machine live; options are disposed of; the error message is copied and disposed of.
        unsafe {
            let options = LLVMCreatePassBuilderOptions();
            LLVMPassBuilderOptionsSetLoopVectorization(options, 0);
            LLVMPassBuilderOptionsSetSLPVectorization(options, 0);
            LLVMPassBuilderOptionsSetLoopInterleaving(options, 0);
            let error = LLVMRunPasses(ir.module, pipeline.as_ptr(), self.0, options);
            LLVMDisposePassBuilderOptions(options);
            if error.is_null() {
                return Ok(());
            }
            let text = LLVMGetErrorMessage(error);
            let copy = CStr::from_ptr(text).to_string_lossy().into_owned();
            LLVMDisposeErrorMessage(text);
            Err(MachineError(copy))
        }
    }

    /// Prepares a module for this machine (data layout and triple).
    pub fn adopt(&self, ir: &Ir) {
        // SAFETY: module and machine live; the layout is disposed of after being set.
        unsafe {
            let layout = LLVMCreateTargetDataLayout(self.0);
            llvm_sys::target::LLVMSetModuleDataLayout(ir.module, layout);
            llvm_sys::target::LLVMDisposeTargetData(layout);
            llvm_sys::core::LLVMSetTarget(ir.module, c"x86_64-unknown-linux-gnu".as_ptr());
        }
    }

    /// An ELF object of the module.
    pub fn object(&self, ir: &Ir) -> Result<Vec<u8>, MachineError> {
        self.emit(ir, LLVMCodeGenFileType::LLVMObjectFile)
    }

    /// The module in assembly.
    pub fn assembly(&self, ir: &Ir) -> Result<String, MachineError> {
        Ok(String::from_utf8_lossy(&self.emit(ir, LLVMCodeGenFileType::LLVMAssemblyFile)?).into_owned())
    }

    fn emit(&self, ir: &Ir, kind: LLVMCodeGenFileType) -> Result<Vec<u8>, MachineError> {
        use llvm_sys::core::{LLVMDisposeMemoryBuffer, LLVMGetBufferSize, LLVMGetBufferStart};
        // SAFETY: module and machine live; the buffer is copied within its size and disposed of.
        unsafe {
            let mut buffer = std::ptr::null_mut();
            let mut message = std::ptr::null_mut();
            if LLVMTargetMachineEmitToMemoryBuffer(self.0, ir.module, kind, &mut message, &mut buffer) != 0 {
                return Err(take_message(message));
            }
            let bytes =
                std::slice::from_raw_parts(LLVMGetBufferStart(buffer).cast::<u8>(), LLVMGetBufferSize(buffer)).to_vec();
            LLVMDisposeMemoryBuffer(buffer);
            Ok(bytes)
        }
    }
}

/// Target machines that are lent: one knows, once it has made code, what takes milliseconds to find out about the processor.
///
/// There are as many as threads ever compiled at the same time.
pub struct Machines {
    cpu: String,
    features: String,
    /// By whether they are quick.
    idle: [Mutex<Vec<Machine>>; 2],
}

impl Machines {
    /// For CPU `cpu` with `features`, as [`Machine::new`] takes them.
    pub fn new(cpu: &str, features: &str) -> Self {
        Self { cpu: cpu.into(), features: features.into(), idle: Default::default() }
    }

    /// A machine for the caller alone, until it is dropped.
    pub fn lend(&self, quick: bool) -> Result<Lent<'_>, MachineError> {
        let idle = &self.idle[usize::from(quick)];
        let waiting = idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let machine = match waiting {
            Some(machine) => machine,
            None => Machine::new(&self.cpu, &self.features, quick)?,
        };
        Ok(Lent { machine: Some(machine), home: idle })
    }
}

/// A machine of [`Machines`].
pub struct Lent<'a> {
    machine: Option<Machine>,
    home: &'a Mutex<Vec<Machine>>,
}

impl Deref for Lent<'_> {
    type Target = Machine;

    fn deref(&self) -> &Machine {
        self.machine.as_ref().expect("it is there until it is dropped")
    }
}

impl Drop for Lent<'_> {
    fn drop(&mut self) {
        let mut idle = self.home.lock().unwrap_or_else(PoisonError::into_inner);
        idle.extend(self.machine.take());
    }
}

/// Copies and disposes of a message of LLVM's.
///
/// # Safety
/// `message` is a string that LLVM handed out and that nobody has disposed of.
unsafe fn take_message(message: *mut std::ffi::c_char) -> MachineError {
    // SAFETY: by this function's contract.
    unsafe {
        let text = CStr::from_ptr(message).to_string_lossy().into_owned();
        LLVMDisposeMessage(message);
        MachineError(text)
    }
}
