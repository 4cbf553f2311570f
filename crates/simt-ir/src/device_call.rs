//! The functions by which kernels launch kernels: the calls of the device runtime that a program's system answers.
//!
//! This is the one list of them: names, types, and the numbers by which machine code calls them. What they mean is the
//! business of whoever answers.

use crate::Type;

macro_rules! device_calls {
    ($($variant:ident $name:literal ($($argument:ident)*) -> $result:ident;)*) => {
        /// A function that the system answers. The names are those of CUDA's device runtime without `cuda`.
        #[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
        #[allow(missing_docs, reason = "each variant is the function of the same name")]
        #[repr(u32)]
        pub enum DeviceCall { $($variant,)* }

        impl DeviceCall {
            /// Every function, in the order of their numbers.
            pub const ALL: &'static [DeviceCall] = &[$(DeviceCall::$variant,)*];

            /// The function with this name: `LaunchDeviceV2`.
            pub fn from_name(name: &str) -> Option<DeviceCall> {
                match name { $($name => Some(DeviceCall::$variant),)* _ => None }
            }

            /// Its name.
            pub fn name(self) -> &'static str {
                match self { $(DeviceCall::$variant => $name,)* }
            }

            /// Types of its arguments. A structure is passed in pieces of 64, then 32 bits.
            pub fn arguments(self) -> &'static [Type] {
                match self { $(DeviceCall::$variant => &[$(Type::$argument,)*],)* }
            }

            /// Type of its result.
            pub fn result(self) -> Type {
                match self { $(DeviceCall::$variant => Type::$result,)* }
            }
        }
    };
}

device_calls! {
    GetParameterBuffer "GetParameterBuffer" (I64 I64) -> I64;
    GetParameterBufferV2 "GetParameterBufferV2" (I64 I64 I32 I64 I32 I32) -> I64;
    LaunchDevice "LaunchDevice" (I64 I64 I64 I32 I64 I32 I32 I64) -> I32;
    LaunchDeviceV2 "LaunchDeviceV2" (I64 I64) -> I32;
    GetLastError "GetLastError" () -> I32;
    PeekAtLastError "PeekAtLastError" () -> I32;
    GetErrorString "GetErrorString" (I32) -> I64;
    GetErrorName "GetErrorName" (I32) -> I64;
    StreamCreateWithFlags "StreamCreateWithFlags" (I64 I32) -> I32;
    StreamDestroy "StreamDestroy" (I64) -> I32;
    StreamWaitEvent "StreamWaitEvent" (I64 I64 I32) -> I32;
    EventCreateWithFlags "EventCreateWithFlags" (I64 I32) -> I32;
    EventRecord "EventRecord" (I64 I64) -> I32;
    EventRecordWithFlags "EventRecordWithFlags" (I64 I64 I32) -> I32;
    EventDestroy "EventDestroy" (I64) -> I32;
    MemcpyAsync "MemcpyAsync" (I64 I64 I64 I32 I64) -> I32;
    Memcpy2DAsync "Memcpy2DAsync" (I64 I64 I64 I64 I64 I64 I32 I64) -> I32;
    Memcpy3DAsync "Memcpy3DAsync" (I64 I64) -> I32;
    MemsetAsync "MemsetAsync" (I64 I32 I64 I64) -> I32;
    Memset2DAsync "Memset2DAsync" (I64 I64 I32 I64 I64 I64) -> I32;
    Memset3DAsync "Memset3DAsync" (I64 I64 I64 I64 I32 I64 I64 I64 I64) -> I32;
    Malloc "Malloc" (I64 I64) -> I32;
    Free "Free" (I64) -> I32;
    GetDevice "GetDevice" (I64) -> I32;
    GetDeviceCount "GetDeviceCount" (I64) -> I32;
    DeviceGetAttribute "DeviceGetAttribute" (I64 I32 I32) -> I32;
    DeviceGetLimit "DeviceGetLimit" (I64 I32) -> I32;
    DeviceGetCacheConfig "DeviceGetCacheConfig" (I64) -> I32;
    DeviceGetSharedMemConfig "DeviceGetSharedMemConfig" (I64) -> I32;
    FuncGetAttributes "FuncGetAttributes" (I64 I64) -> I32;
    RuntimeGetVersion "RuntimeGetVersion" (I64) -> I32;
    OccupancyMaxActiveBlocksPerMultiprocessor "OccupancyMaxActiveBlocksPerMultiprocessor" (I64 I64 I32 I64) -> I32;
    OccupancyMaxActiveBlocksPerMultiprocessorWithFlags "OccupancyMaxActiveBlocksPerMultiprocessorWithFlags"
        (I64 I64 I32 I64 I32) -> I32;
}

impl DeviceCall {
    /// Most arguments of any.
    pub const ARGUMENTS_MAX: usize = 9;

    /// The number by which machine code calls it.
    pub fn code(self) -> u32 {
        self as u32
    }

    /// The function with this number.
    pub fn from_code(code: u32) -> Option<DeviceCall> {
        DeviceCall::ALL.get(code as usize).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_names_lead_back() {
        for &call in DeviceCall::ALL {
            assert_eq!(DeviceCall::from_code(call.code()), Some(call));
            assert_eq!(DeviceCall::from_name(call.name()), Some(call));
            assert!(call.arguments().len() <= DeviceCall::ARGUMENTS_MAX);
        }
        assert_eq!(DeviceCall::from_code(u32::MAX), None);
        assert_eq!(DeviceCall::from_name("DeviceSynchronize"), None);
    }
}
