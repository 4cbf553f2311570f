//! Functions of the API that set memory to a value.

use super::Memories;
use super::table::Place;
use crate::answer::{Answer, answer};
use crate::machine::Machine;
use crate::stream::Stream;
use cuda_abi::*;
use driver_api::Driver;
use simt::transfer::{self, Fill};
use std::sync::Arc;

/// Sets.
pub(crate) struct Sets;

/// A rectangle of elements that all get the same value.
struct Rectangle {
    destination: CUdeviceptr,
    /// Bytes from row to row.
    pitch: usize,
    value: u32,
    element_bytes: u32,
    /// Elements of a row.
    width: usize,
    height: usize,
}

impl Rectangle {
    fn row(destination: CUdeviceptr, value: u32, element_bytes: u32, count: usize) -> Rectangle {
        Rectangle { destination, pitch: 0, value, element_bytes, width: count, height: 1 }
    }
}

/// Sets memory; `waits_for_host` as the functions without a stream do where the host could tell the difference.
fn set(stream: &Arc<Stream>, rectangle: &Rectangle, waits_for_host: bool) -> Answer {
    let Rectangle { destination, pitch, value, element_bytes, width, height } = *rectangle;
    let invalid = CUresult::CUDA_ERROR_INVALID_VALUE;
    if width == 0 || height == 0 {
        return Ok(());
    }
    let size = u64::from(element_bytes);
    let row = (width as u64).checked_mul(size).ok_or(invalid)?;
    let pitch = if height == 1 { row } else { pitch as u64 };
    if destination % size != 0 || pitch % size != 0 || pitch < row {
        return Err(invalid);
    }
    let span = pitch.checked_mul(height as u64 - 1).and_then(|rows| rows.checked_add(row)).ok_or(invalid)?;
    let machine = Machine::get()?;
    let place = machine.allocations.check_range(machine, destination, span, false)?;
    stream.order();
    let fill = Fill { destination, value, element_bytes, width: width as u64, height: height as u64, pitch };
    transfer::fill(&stream.queue, &fill);
    if waits_for_host && place != Place::Device { stream.synchronize() } else { Ok(()) }
}

/// A function without a stream.
fn now(rectangle: &Rectangle) -> CUresult {
    answer(|| set(&Stream::implied()?, rectangle, true))
}

/// A function with a stream.
fn later(rectangle: &Rectangle, stream: CUstream) -> CUresult {
    answer(|| set(&Stream::named(stream)?, rectangle, false))
}

/// The functions for each size of element: one row and two dimensions, each without and with a stream.
macro_rules! sets {
    ($bytes:literal $value:ty: $row:ident $row_async:ident $rectangle:ident $rectangle_async:ident) => {
        fn $row(&self, destination: CUdeviceptr, value: $value, count: usize) -> CUresult {
            now(&Rectangle::row(destination, value.into(), $bytes, count))
        }

        fn $row_async(&self, destination: CUdeviceptr, value: $value, count: usize, stream: CUstream) -> CUresult {
            later(&Rectangle::row(destination, value.into(), $bytes, count), stream)
        }

        fn $rectangle(
            &self,
            destination: CUdeviceptr,
            pitch: usize,
            value: $value,
            width: usize,
            height: usize,
        ) -> CUresult {
            now(&Rectangle { destination, pitch, value: value.into(), element_bytes: $bytes, width, height })
        }

        fn $rectangle_async(
            &self,
            destination: CUdeviceptr,
            pitch: usize,
            value: $value,
            width: usize,
            height: usize,
            stream: CUstream,
        ) -> CUresult {
            later(&Rectangle { destination, pitch, value: value.into(), element_bytes: $bytes, width, height }, stream)
        }
    };
}

impl Driver for Sets {
    fn next(&self) -> Option<&dyn Driver> {
        Some(&Memories)
    }

    sets!(1 u8: cuMemsetD8_v2 cuMemsetD8Async cuMemsetD2D8_v2 cuMemsetD2D8Async);
    sets!(2 u16: cuMemsetD16_v2 cuMemsetD16Async cuMemsetD2D16_v2 cuMemsetD2D16Async);
    sets!(4 u32: cuMemsetD32_v2 cuMemsetD32Async cuMemsetD2D32_v2 cuMemsetD2D32Async);
}
