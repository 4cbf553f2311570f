//! What a pointer parameter is for, where its C type does not say it.
//!
//! The type gives the ordinary case: `T *` is a required output, `const T *` a required input, `const char *` a
//! required text, `void *` and `char *` are buffers. Here stand the exceptions, as the documentation of each function
//! states them: arrays, whose length another parameter holds, and pointers that may be null.

/// How a parameter crosses the rim.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Role {
    /// Passed as it is: numbers, enums, handles, structs by value, callbacks.
    Value,
    /// A stream handle: a value that a per-thread entry point translates.
    Stream,
    /// A buffer or an array: stays a raw pointer, may be null.
    Raw,
    /// Not null: `&mut T`.
    Output,
    /// May be null: `Option<&mut T>`.
    OutputOpt,
    /// Not null: `&T`.
    Input,
    /// May be null: `Option<&T>`.
    InputOpt,
    /// Not null: `&CStr`.
    Text,
    /// May be null: `Option<&CStr>`.
    TextOpt,
}

/// Parameters that are arrays in every function that has them.
const ARRAYS: &[&str] = &[
    "attributes",
    "attrIdxs",
    "attrs",
    "boxDim",
    "capabilities",
    "dependencies",
    "dependencyData",
    "dependentNodes",
    "dptrs",
    "dsts",
    "edgeData",
    "elementStrides",
    "extSemArray",
    "extra",
    "from",
    "functions",
    "globalDim",
    "globalStrides",
    "jitOptions",
    "jitOptionsValues",
    "kernelParams",
    "kernels",
    "launchParamsList",
    "libraryOptionValues",
    "libraryOptions",
    "mapInfoList",
    "nodes",
    "opList",
    "operations",
    "optionValues",
    "options",
    "pBorderColor",
    "pCudaDevices",
    "paramArray",
    "paramsArray",
    "pixelBoxLowerCorner",
    "pixelBoxUpperCorner",
    "prefetchLocIdxs",
    "prefetchLocs",
    "resources",
    "rootNodes",
    "sizes",
    "srcs",
    "to",
];

/// Exceptions for one parameter of one function, whichever version of it.
const EXCEPTIONS: &[(&str, &str, Role)] = &[
    ("cuCheckpointProcessCheckpoint", "args", Role::InputOpt),
    ("cuCheckpointProcessLock", "args", Role::InputOpt),
    ("cuCheckpointProcessRestore", "args", Role::InputOpt),
    ("cuCheckpointProcessUnlock", "args", Role::InputOpt),
    ("cuCtxCreate", "ctxCreateParams", Role::InputOpt),
    ("cuCtxGetStreamPriorityRange", "greatestPriority", Role::OutputOpt),
    ("cuCtxGetStreamPriorityRange", "leastPriority", Role::OutputOpt),
    ("cuCtxPopCurrent", "pctx", Role::OutputOpt),
    ("cuDevSmResourceSplitByCount", "remaining", Role::OutputOpt),
    ("cuDevSmResourceSplitByCount", "result", Role::Raw),
    ("cuEGLStreamConsumerAcquireFrame", "pStream", Role::OutputOpt),
    ("cuEGLStreamConsumerReleaseFrame", "pStream", Role::OutputOpt),
    ("cuEGLStreamProducerPresentFrame", "pStream", Role::OutputOpt),
    ("cuEGLStreamProducerReturnFrame", "pStream", Role::OutputOpt),
    ("cuFuncGetParamInfo", "paramSize", Role::OutputOpt),
    ("cuGetProcAddress", "symbolFound", Role::OutputOpt),
    ("cuGraphExecNodeSetParams", "nodeParams", Role::Input),
    ("cuGraphExecUpdate", "hErrorNode_out", Role::OutputOpt),
    ("cuGraphInstantiate", "phErrorNode", Role::OutputOpt),
    ("cuGraphNodeSetParams", "nodeParams", Role::Input),
    ("cuKernelGetParamInfo", "paramSize", Role::OutputOpt),
    ("cuLibraryGetGlobal", "bytes", Role::OutputOpt),
    ("cuLibraryGetGlobal", "dptr", Role::OutputOpt),
    ("cuLibraryGetManaged", "bytes", Role::OutputOpt),
    ("cuLibraryGetManaged", "dptr", Role::OutputOpt),
    ("cuLibraryGetUnifiedFunction", "fptr", Role::Output),
    ("cuLinkAddData", "name", Role::TextOpt),
    ("cuLinkComplete", "cubinOut", Role::Output),
    ("cuLinkComplete", "sizeOut", Role::OutputOpt),
    ("cuLogsDumpToFile", "iterator", Role::OutputOpt),
    ("cuLogsDumpToMemory", "iterator", Role::OutputOpt),
    ("cuMemAllocHost", "pp", Role::Output),
    ("cuMemBatchDecompressAsync", "errorIndex", Role::OutputOpt),
    ("cuMemGetAddressRange", "pbase", Role::OutputOpt),
    ("cuMemGetAddressRange", "psize", Role::OutputOpt),
    ("cuMemGetDefaultMemPool", "location", Role::Input),
    ("cuMemGetInfo", "free", Role::OutputOpt),
    ("cuMemGetInfo", "total", Role::OutputOpt),
    ("cuMemGetMemPool", "location", Role::Input),
    ("cuMemHostAlloc", "pp", Role::Output),
    ("cuMemPoolGetAccess", "location", Role::Input),
    ("cuMemPoolImportPointer", "shareData", Role::Input),
    ("cuMemPoolSetAccess", "map", Role::Raw),
    ("cuMemRangeGetAttributes", "dataSizes", Role::Raw),
    ("cuMemSetAccess", "desc", Role::Raw),
    ("cuMemSetMemPool", "location", Role::Input),
    ("cuMemcpy3DBatchAsync", "failIdx", Role::OutputOpt),
    ("cuMemcpyBatchAsync", "failIdx", Role::OutputOpt),
    ("cuModuleGetGlobal", "bytes", Role::OutputOpt),
    ("cuModuleGetGlobal", "dptr", Role::OutputOpt),
    ("cuProfilerInitialize", "configFile", Role::TextOpt),
    ("cuProfilerInitialize", "outputFile", Role::TextOpt),
    ("cuStreamGetCaptureInfo", "dependencies_out", Role::OutputOpt),
    ("cuStreamGetCaptureInfo", "edgeData_out", Role::OutputOpt),
    ("cuStreamGetCaptureInfo", "graph_out", Role::OutputOpt),
    ("cuStreamGetCaptureInfo", "id_out", Role::OutputOpt),
    ("cuStreamGetCaptureInfo", "numDependencies_out", Role::OutputOpt),
    ("cuStreamGetCtx", "pGreenCtx", Role::OutputOpt),
    ("cuTexObjectCreate", "pResViewDesc", Role::InputOpt),
    ("cuTexRefGetFormat", "pFormat", Role::OutputOpt),
    ("cuTexRefGetFormat", "pNumChannels", Role::OutputOpt),
    ("cuTexRefSetAddress", "ByteOffset", Role::OutputOpt),
    ("cuGetProcAddress", "pfn", Role::Output),
];

/// Functions that may be called before `cuInit`.
const BEFORE_INIT: &[&str] =
    &["cuDriverGetVersion", "cuGetErrorName", "cuGetErrorString", "cuGetExportTable", "cuGetProcAddress"];

/// Functions that the rim answers by itself, without a driver.
const ANSWERED: &[&str] =
    &["cuDriverGetVersion", "cuGetErrorName", "cuGetErrorString", "cuGetExportTable", "cuGetProcAddress"];

/// Functions of CUDA 2 that have a 64-bit successor since CUDA 3.2 and yet work on: they need no context.
const NOT_NARROW: &[&str] = &["cuCtxCreate", "cuDeviceTotalMem", "cuGLCtxCreate", "cuVDPAUCtxCreate"];

impl Role {
    /// The word for the role in the table.
    pub fn word(self) -> &'static str {
        match self {
            Role::Value => "value",
            Role::Stream => "stream",
            Role::Raw => "raw",
            Role::Output => "output",
            Role::OutputOpt => "output_opt",
            Role::Input => "input",
            Role::InputOpt => "input_opt",
            Role::Text => "text",
            Role::TextOpt => "text_opt",
        }
    }

    /// The role of a parameter, from its Rust type text and the exceptions.
    pub fn of(base: &str, parameter: &str, ty: &str) -> Role {
        if let Some((.., role)) = EXCEPTIONS.iter().find(|(function, name, _)| (*function, *name) == (base, parameter))
        {
            return *role;
        }
        let pointer = ty.strip_prefix("*mut ").map(|target| (true, target));
        let pointer = pointer.or_else(|| ty.strip_prefix("*const ").map(|target| (false, target)));
        match pointer {
            None if ty == "CUstream" => Role::Stream,
            None => Role::Value,
            Some(_) if ARRAYS.contains(&parameter) => Role::Raw,
            Some((false, "c_char")) => Role::Text,
            Some((_, "c_void" | "c_char" | "*mut c_void")) => Role::Raw,
            Some((true, _)) => Role::Output,
            Some((false, _)) => Role::Input,
        }
    }
}

/// When a function may be called: `early` (before `cuInit` too), `init` (`cuInit` itself) or `ready`.
pub fn phase(base: &str) -> &'static str {
    match base {
        "cuInit" => "init",
        _ if BEFORE_INIT.contains(&base) => "early",
        _ => "ready",
    }
}

/// Whether the rim answers the function by itself.
pub fn is_answered(base: &str) -> bool {
    ANSWERED.contains(&base)
}

/// Whether a version is one with 32-bit device pointers and sizes, which CUDA 3.2 replaced.
pub fn is_narrow(base: &str, since: u32, successors: impl IntoIterator<Item = u32>) -> bool {
    since < 3020 && successors.into_iter().any(|successor| successor == 3020) && !NOT_NARROW.contains(&base)
}

/// The exceptions that no parameter of the headers matches: a spelling error here would otherwise pass in silence.
pub fn unused_exceptions(seen: &std::collections::BTreeSet<(String, String)>) -> Vec<String> {
    EXCEPTIONS
        .iter()
        .filter(|(function, parameter, _)| !seen.contains(&((*function).to_owned(), (*parameter).to_owned())))
        .map(|(function, parameter, _)| format!("{function}({parameter})"))
        .collect()
}
