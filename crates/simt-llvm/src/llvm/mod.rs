//! A thin, typed face of LLVM's C API.
//!
//! [`Ir`] owns a context, a module and a builder. Handles ([`Val`], [`Ty`], [`Bb`]) are plain copies of LLVM's pointers; they are
//! made by one `Ir`, used only with it, and do not outlive it: `FunctionEmitter`s borrow the `Ir` for as long as they hold handles, and no
//! handle is stored elsewhere. That is what every `SAFETY` comment below refers to as *handles of this `Ir`*.

mod apart;
mod build;
mod cold;
mod domain;
mod indices;
mod instructions;
mod machine;
mod pieces;
mod slices;

pub use build::{Bin, Cast, FloatPredicate, IntPredicate, Ordering, Rmw};
pub use cold::SLOW;
pub use machine::{Lent, Machine, MachineError, Machines};
pub use slices::Registers;

use std::ffi::CString;

use llvm_sys::core::*;
use llvm_sys::prelude::*;

/// LLVM's number for `x86_regcallcc`.
const IN_REGISTERS: u32 = 92;

/// A value.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Val(LLVMValueRef);

impl Val {
    /// A number that tells values of one [`Ir`] apart.
    pub fn key(self) -> usize {
        self.0 as usize
    }
}

/// A type.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Ty(LLVMTypeRef);

/// A basic block.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Bb(LLVMBasicBlockRef);

/// A function and its type.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Fun {
    /// The function as a value.
    pub value: Val,
    /// Its type.
    pub ty: Ty,
}

/// A context with one module and one builder.
pub struct Ir {
    context: LLVMContextRef,
    module: LLVMModuleRef,
    builder: LLVMBuilderRef,
    domains: domain::Domains,
}

impl Drop for Ir {
    fn drop(&mut self) {
        // SAFETY: the three were made by `new` and are disposed of once; the module goes before its context.
        unsafe {
            LLVMDisposeBuilder(self.builder);
            LLVMDisposeModule(self.module);
            LLVMContextDispose(self.context);
        }
    }
}

impl Ir {
    /// An empty module.
    pub fn new(name: &str) -> Self {
        let name = CString::new(name.replace('\0', "")).expect("no NUL is left");
        // SAFETY: plain constructors; `name` is NUL-terminated.
        unsafe {
            let context = LLVMContextCreate();
            let module = LLVMModuleCreateWithNameInContext(name.as_ptr(), context);
            let builder = LLVMCreateBuilderInContext(context);
            Self { context, module, builder, domains: domain::Domains::new(context) }
        }
    }

    /// The module, for reading.
    pub(crate) fn module(&self) -> LLVMModuleRef {
        self.module
    }

    /// The module in LLVM's text form.
    pub fn text(&self) -> String {
        // SAFETY: the returned string is NUL-terminated and is disposed of after being copied.
        unsafe {
            let text = LLVMPrintModuleToString(self.module);
            let copy = std::ffi::CStr::from_ptr(text).to_string_lossy().into_owned();
            LLVMDisposeMessage(text);
            copy
        }
    }

    /// An integer type of any width.
    pub fn int(&self, bits: u32) -> Ty {
        // SAFETY: the context lives.
        Ty(unsafe { LLVMIntTypeInContext(self.context, bits) })
    }

    /// IEEE half.
    pub fn f16(&self) -> Ty {
        // SAFETY: the context lives.
        Ty(unsafe { LLVMHalfTypeInContext(self.context) })
    }

    /// IEEE single.
    pub fn f32(&self) -> Ty {
        // SAFETY: the context lives.
        Ty(unsafe { LLVMFloatTypeInContext(self.context) })
    }

    /// IEEE double.
    pub fn f64(&self) -> Ty {
        // SAFETY: the context lives.
        Ty(unsafe { LLVMDoubleTypeInContext(self.context) })
    }

    /// An opaque pointer.
    pub fn ptr(&self) -> Ty {
        // SAFETY: the context lives.
        Ty(unsafe { LLVMPointerTypeInContext(self.context, 0) })
    }

    /// No value.
    pub fn void(&self) -> Ty {
        // SAFETY: the context lives.
        Ty(unsafe { LLVMVoidTypeInContext(self.context) })
    }

    /// A vector of `count` elements.
    pub fn vector(&self, element: Ty, count: u32) -> Ty {
        // SAFETY: a handle of this `Ir`.
        Ty(unsafe { LLVMVectorType(element.0, count) })
    }

    /// A struct.
    pub fn structure(&self, fields: &[Ty]) -> Ty {
        let mut fields: Vec<LLVMTypeRef> = fields.iter().map(|ty| ty.0).collect();
        // SAFETY: handles of this `Ir`; the array has the given length.
        Ty(unsafe { LLVMStructTypeInContext(self.context, fields.as_mut_ptr(), fields.len() as u32, 0) })
    }

    /// A function type.
    pub fn function_type(&self, returns: Ty, parameters: &[Ty]) -> Ty {
        let mut parameters: Vec<LLVMTypeRef> = parameters.iter().map(|ty| ty.0).collect();
        // SAFETY: handles of this `Ir`; the array has the given length.
        Ty(unsafe { LLVMFunctionType(returns.0, parameters.as_mut_ptr(), parameters.len() as u32, 0) })
    }

    /// Type of a value.
    pub fn type_of(&self, value: Val) -> Ty {
        // SAFETY: a handle of this `Ir`.
        Ty(unsafe { LLVMTypeOf(value.0) })
    }

    /// Whether a type is a vector.
    pub fn is_vector(&self, ty: Ty) -> bool {
        // SAFETY: a handle of this `Ir`.
        unsafe { LLVMGetTypeKind(ty.0) == llvm_sys::LLVMTypeKind::LLVMVectorTypeKind }
    }

    /// Elements of a vector type; 1 for a scalar.
    pub fn lanes(&self, ty: Ty) -> u32 {
        // SAFETY: a handle of this `Ir`; the size is asked only of vectors.
        if self.is_vector(ty) { unsafe { LLVMGetVectorSize(ty.0) } } else { 1 }
    }

    /// Element type of a vector, or the scalar type itself.
    pub fn element(&self, ty: Ty) -> Ty {
        // SAFETY: a handle of this `Ir`; the element is asked only of vectors.
        if self.is_vector(ty) { Ty(unsafe { LLVMGetElementType(ty.0) }) } else { ty }
    }

    /// Instructions of all functions, and of the largest basic block.
    pub fn instruction_counts(&self) -> (usize, usize) {
        let (mut count, mut largest) = (0, 0);
        // SAFETY: walks the lists of a module that lives and that nobody changes meanwhile.
        unsafe {
            let mut function = LLVMGetFirstFunction(self.module);
            while !function.is_null() {
                let mut block = LLVMGetFirstBasicBlock(function);
                while !block.is_null() {
                    let mut instruction = LLVMGetFirstInstruction(block);
                    let before = count;
                    while !instruction.is_null() {
                        count += 1;
                        instruction = LLVMGetNextInstruction(instruction);
                    }
                    largest = largest.max(count - before);
                    block = LLVMGetNextBasicBlock(block);
                }
                function = LLVMGetNextFunction(function);
            }
        }
        (count, largest)
    }

    /// Width of an integer or floating-point type.
    pub fn bits(&self, ty: Ty) -> u32 {
        match ty {
            float if float == self.f32() => 32,
            float if float == self.f64() => 64,
            // SAFETY: a handle of this `Ir`; other scalars that are asked for are integers.
            integer => unsafe { LLVMGetIntTypeWidth(integer.0) },
        }
    }

    /// `element`, or a vector of it as long as `shape` is.
    pub fn like(&self, element: Ty, shape: Ty) -> Ty {
        if self.is_vector(shape) { self.vector(element, self.lanes(shape)) } else { element }
    }

    /// A function with this name, added to the module; `internal` hides it from the object file's symbols.
    pub fn add_function(&self, name: &str, ty: Ty, internal: bool) -> Fun {
        let name = CString::new(name.replace('\0', "")).expect("no NUL is left");
        // SAFETY: handles of this `Ir`; `name` is NUL-terminated.
        unsafe {
            let value = LLVMAddFunction(self.module, name.as_ptr(), ty.0);
            if internal {
                LLVMSetLinkage(value, llvm_sys::LLVMLinkage::LLVMInternalLinkage);
            }
            Fun { value: Val(value), ty }
        }
    }

    /// Has as many arguments and results as possible in vector registers. Call it with [`Ir::call_in_registers`].
    pub fn pass_in_registers(&self, function: Fun) {
        // SAFETY: a function of this `Ir`.
        unsafe { LLVMSetFunctionCallConv(function.value.0, IN_REGISTERS) };
    }

    /// Adds an attribute without a value; index `u32::MAX` is the function, 0 the result, 1 … the parameters.
    pub fn add_attribute(&self, function: Fun, index: u32, name: &str) {
        // SAFETY: handles of this `Ir`; `name` is given with its length. Unknown names give kind 0, which is not added.
        unsafe {
            let kind = LLVMGetEnumAttributeKindForName(name.as_ptr().cast(), name.len());
            debug_assert!(kind != 0, "unknown attribute {name}");
            if kind != 0 {
                LLVMAddAttributeAtIndex(function.value.0, index, LLVMCreateEnumAttribute(self.context, kind, 0));
            }
        }
    }

    /// Adds a textual attribute to a function.
    pub fn add_text_attribute(&self, function: Fun, name: &str, value: &str) {
        // SAFETY: handles of this `Ir`; strings are given with their lengths.
        unsafe {
            let attribute = LLVMCreateStringAttribute(
                self.context,
                name.as_ptr().cast(),
                name.len() as u32,
                value.as_ptr().cast(),
                value.len() as u32,
            );
            LLVMAddAttributeAtIndex(function.value.0, u32::MAX, attribute);
        }
    }

    /// A parameter of a function.
    pub fn parameter(&self, function: Fun, index: u32) -> Val {
        // SAFETY: a handle of this `Ir`; callers know the function's type.
        Val(unsafe { LLVMGetParam(function.value.0, index) })
    }

    /// A block at the end of a function.
    pub fn append_block(&self, function: Fun, name: &str) -> Bb {
        let name = CString::new(name.replace('\0', "")).expect("no NUL is left");
        // SAFETY: handles of this `Ir`; `name` is NUL-terminated.
        Bb(unsafe { LLVMAppendBasicBlockInContext(self.context, function.value.0, name.as_ptr()) })
    }

    /// An integer constant; `ty` may be a vector, which is then filled.
    pub fn constant(&self, ty: Ty, bits: u64) -> Val {
        let element = self.element(ty);
        // SAFETY: a handle of this `Ir`, of integer type by the callers' contract.
        let scalar = Val(unsafe { LLVMConstInt(element.0, bits, 0) });
        if self.is_vector(ty) { self.constant_vector(&vec![scalar; self.lanes(ty) as usize]) } else { scalar }
    }

    /// A float constant from a double; `ty` may be a vector, which is then filled.
    pub fn float_constant(&self, ty: Ty, value: f64) -> Val {
        let element = self.element(ty);
        // SAFETY: a handle of this `Ir`, of float type by the callers' contract.
        let scalar = Val(unsafe { LLVMConstReal(element.0, value) });
        if self.is_vector(ty) { self.constant_vector(&vec![scalar; self.lanes(ty) as usize]) } else { scalar }
    }

    /// A vector of constants.
    pub fn constant_vector(&self, elements: &[Val]) -> Val {
        let mut elements: Vec<LLVMValueRef> = elements.iter().map(|value| value.0).collect();
        // SAFETY: constants of this `Ir`; the array has the given length.
        Val(unsafe { LLVMConstVector(elements.as_mut_ptr(), elements.len() as u32) })
    }

    /// The zero of any type.
    pub fn zero(&self, ty: Ty) -> Val {
        // SAFETY: a handle of this `Ir`.
        Val(unsafe { LLVMConstNull(ty.0) })
    }

    /// A value that is never used.
    pub fn poison(&self, ty: Ty) -> Val {
        // SAFETY: a handle of this `Ir`.
        Val(unsafe { LLVMGetPoison(ty.0) })
    }

    /// Whether a value is [`Ir::poison`].
    pub fn is_poison(&self, value: Val) -> bool {
        // SAFETY: a handle of this `Ir`.
        unsafe { LLVMIsPoison(value.0) != 0 }
    }

    /// Checks the module; the message says what is wrong.
    pub fn verify(&self) -> Result<(), String> {
        use llvm_sys::analysis::{LLVMVerifierFailureAction, LLVMVerifyModule};
        let mut message = std::ptr::null_mut();
        // SAFETY: the module lives; the message is NUL-terminated and disposed of.
        unsafe {
            let action = LLVMVerifierFailureAction::LLVMReturnStatusAction;
            let failed = LLVMVerifyModule(self.module, action, &mut message) != 0;
            let text = std::ffi::CStr::from_ptr(message).to_string_lossy().into_owned();
            LLVMDisposeMessage(message);
            if failed { Err(text) } else { Ok(()) }
        }
    }
}
