//! Arrays and mipmapped arrays.

use super::layout;
use crate::answer::Answer;
use crate::context::{Context, current, forbid_in_host_function};
use crate::machine::Machine;
use crate::memory::Kind;
use crate::stream::StreamGroup;
use cuda_abi::*;
use simt_ir::texture::{Level, Resource};
use std::sync::{Arc, OnceLock};

/// An array: texels in an order that only the driver knows.
pub(crate) struct Array {
    /// How it lies in memory. It is sampled by nobody's settings yet.
    pub(super) image: Resource,
    /// As the program asked for it.
    pub(super) descriptor: CUDA_ARRAY3D_DESCRIPTOR,
    /// The streams of the context that it was made in.
    group: Arc<StreamGroup>,
    /// Whether it is a level of a mipmapped array, with which it goes.
    is_level: bool,
}

/// An array with arrays of half the size, a quarter …
pub(crate) struct MipmappedArray {
    pub(super) image: Resource,
    pub(super) descriptor: CUDA_ARRAY3D_DESCRIPTOR,
    group: Arc<StreamGroup>,
    /// Handles of the levels that have been asked for.
    levels: Vec<OnceLock<usize>>,
}

/// Allocates memory for an image and says where it is.
fn allocate(context: &Context, image: &mut Resource) -> Answer {
    let machine = Machine::get()?;
    let owner = (context.id, context.handle());
    image.base = machine.allocations.allocate(machine, context.device, owner, image.bytes(), Kind::Array)?;
    Ok(())
}

/// Gives the memory of an image back, after the work of its context.
fn release(group: &StreamGroup, base: u64) -> Answer {
    let machine = Machine::get()?;
    if !group.is_idle() {
        group.synchronize();
    }
    if let Some(info) = machine.allocations.take(base, |info| info.kind == Kind::Array) {
        machine.allocations.release(machine, &info);
    }
    group.check()
}

impl Array {
    /// Makes an array in the current context; its handle.
    pub(super) fn create(descriptor: &CUDA_ARRAY3D_DESCRIPTOR) -> Answer<CUarray> {
        let context = current()?;
        let mut image = layout::of_descriptor(context.device, descriptor, 1)?;
        allocate(&context, &mut image)?;
        let array = Array { image, descriptor: *descriptor, group: context.streams.clone(), is_level: false };
        Ok(CUarray::from_addr(Machine::get()?.objects.insert(Arc::new(array))?))
    }

    /// The array of a handle.
    ///
    /// # Errors
    /// When it is none, or its context has failed or is gone.
    pub(crate) fn named(handle: CUarray) -> Answer<Arc<Array>> {
        forbid_in_host_function()?;
        let array: Option<Arc<Array>> = Machine::get()?.objects.get(handle.addr());
        let array = array.ok_or(CUresult::CUDA_ERROR_INVALID_HANDLE)?;
        array.group.check()?;
        Ok(array)
    }

    /// Ends an array.
    pub(super) fn destroy(handle: CUarray) -> Answer {
        let machine = Machine::get()?;
        let array = Array::named(handle)?;
        if array.is_level {
            return Err(CUresult::CUDA_ERROR_INVALID_HANDLE);
        }
        machine.objects.remove::<Array>(handle.addr()).ok_or(CUresult::CUDA_ERROR_INVALID_HANDLE)?;
        release(&array.group, array.image.base)
    }

    /// Where the texels are.
    pub(crate) fn level(&self) -> Level {
        self.image.level(0)
    }

    /// Bytes of a row, rows of a slice, and slices or layers.
    pub(crate) fn extent(&self) -> [u64; 3] {
        let [width, height, depth] = self.image.size.map(u64::from);
        let texel = u64::from(self.image.format.texel_bytes());
        [width * texel, height, depth * u64::from(self.image.layers)]
    }
}

impl MipmappedArray {
    /// Makes an array of at most `levels` levels in the current context; its handle.
    pub(super) fn create(descriptor: &CUDA_ARRAY3D_DESCRIPTOR, levels: u32) -> Answer<CUmipmappedArray> {
        let context = current()?;
        let mut image = layout::of_descriptor(context.device, descriptor, levels.max(1))?;
        // The last level there can be is a single texel.
        let largest = image.size.iter().copied().max().unwrap_or(1);
        image.levels = levels.clamp(1, largest.ilog2() + 1);
        allocate(&context, &mut image)?;
        let levels = (0..image.levels).map(|_| OnceLock::new()).collect();
        let array = MipmappedArray { image, descriptor: *descriptor, group: context.streams.clone(), levels };
        Ok(CUmipmappedArray::from_addr(Machine::get()?.objects.insert(Arc::new(array))?))
    }

    /// The array of a handle.
    ///
    /// # Errors
    /// When it is none, or its context has failed or is gone.
    pub(super) fn named(handle: CUmipmappedArray) -> Answer<Arc<MipmappedArray>> {
        forbid_in_host_function()?;
        let array: Option<Arc<MipmappedArray>> = Machine::get()?.objects.get(handle.addr());
        let array = array.ok_or(CUresult::CUDA_ERROR_INVALID_HANDLE)?;
        array.group.check()?;
        Ok(array)
    }

    /// The array that is a level.
    pub(super) fn level(&self, level: u32) -> Answer<CUarray> {
        let handle = self.levels.get(level as usize).ok_or(CUresult::CUDA_ERROR_INVALID_VALUE)?;
        if let Some(handle) = handle.get() {
            return Ok(CUarray::from_addr(*handle));
        }
        let Level { base, size, row_bytes, .. } = self.image.level(level);
        let image = Resource { base, size, row_bytes, levels: 1, ..self.image };
        let asked = &self.descriptor;
        let smaller = |texels: usize| if texels == 0 { 0 } else { (texels >> level).max(1) };
        // Layers are as many in all levels.
        let depth = if image.size[2] == self.image.size[2] { asked.Depth } else { smaller(asked.Depth) };
        let descriptor = CUDA_ARRAY3D_DESCRIPTOR {
            Width: smaller(asked.Width),
            Height: smaller(asked.Height),
            Depth: depth,
            ..*asked
        };
        let array = Array { image, descriptor, group: self.group.clone(), is_level: true };
        let machine = Machine::get()?;
        let made = machine.objects.insert(Arc::new(array))?;
        let kept = *handle.get_or_init(|| made);
        if kept != made {
            machine.objects.remove::<Array>(made);
        }
        Ok(CUarray::from_addr(kept))
    }

    /// Ends a mipmapped array, and its levels.
    pub(super) fn destroy(handle: CUmipmappedArray) -> Answer {
        let machine = Machine::get()?;
        let array = MipmappedArray::named(handle)?;
        machine.objects.remove::<MipmappedArray>(handle.addr()).ok_or(CUresult::CUDA_ERROR_INVALID_HANDLE)?;
        for level in array.levels.iter().filter_map(OnceLock::get) {
            machine.objects.remove::<Array>(*level);
        }
        release(&array.group, array.image.base)
    }
}
