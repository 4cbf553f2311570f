//! Texture and surface references: variables of a module that an image is bound to.

use super::object::{linear, pitched, sampled, surface_of};
use super::{Array, MipmappedArray};
use crate::answer::Answer;
use crate::lock_order::{Lock, Order};
use crate::machine::Machine;
use crate::stream::StreamGroup;
use cuda_abi::*;
use simt_ir::texture::{Opaque, Resource, variable};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// The references of a module that have been asked for: handles by name.
pub(crate) struct References(Lock<BTreeMap<String, usize>>);

impl References {
    pub(crate) fn new() -> References {
        References(Lock::new(Order::References, BTreeMap::new()))
    }

    /// The handle of a reference, which `make` makes if nobody has asked for it.
    pub(super) fn get_or(&self, name: &str, make: impl FnOnce() -> Answer<usize>) -> Answer<usize> {
        let mut handles = self.0.lock();
        if let Some(handle) = handles.get(name) {
            return Ok(*handle);
        }
        let handle = make()?;
        handles.insert(name.to_string(), handle);
        Ok(handle)
    }

    /// Takes all references away, when their module goes.
    pub(crate) fn remove(&self, machine: &Machine) {
        let handles = std::mem::take(&mut *self.0.lock());
        for handle in handles.into_values() {
            if let Some(texture) = machine.objects.remove::<TextureReference>(handle) {
                texture.variable.bind(machine, None);
            }
            if let Some(surface) = machine.objects.remove::<SurfaceReference>(handle) {
                surface.variable.bind(machine, None);
            }
        }
    }
}

/// The variable that kernels read, and what it refers to in the engine's table.
pub(super) struct Variable {
    kind: Opaque,
    /// Its address; none for a reference that belongs to no module.
    address: Option<u64>,
    bound: AtomicU64,
}

impl Variable {
    pub(super) fn new(kind: Opaque, address: Option<u64>) -> Variable {
        Variable { kind, address, bound: AtomicU64::new(0) }
    }

    /// Makes it refer to an image, and no longer to the one before. False if there are too many images.
    fn bind(&self, machine: &Machine, image: Option<&Resource>) -> bool {
        let handle = image.map_or(Some(0), |image| machine.engine.textures().insert(image));
        if let Some(address) = self.address
            && machine.arena().is_accessible(address, variable::BYTES)
        {
            let word = variable::word(self.kind, handle.unwrap_or(0));
            // SAFETY: the variable's memory, as was just asked, aligned by its declaration; kernels read it as one word.
            unsafe { AtomicU64::from_ptr(address as *mut u64) }.store(word, Ordering::Release);
        }
        let before = self.bound.swap(handle.unwrap_or(0), Ordering::AcqRel);
        machine.engine.textures().remove(before);
        handle.is_some()
    }
}

/// What is bound to a texture reference.
#[derive(Clone, Copy)]
pub(super) enum Bound {
    Array(CUarray),
    Mipmapped(CUmipmappedArray),
    /// Memory in one row.
    Linear {
        address: CUdeviceptr,
        bytes: usize,
    },
    /// Memory in rows.
    Pitched {
        address: CUdeviceptr,
        width: usize,
        height: usize,
        pitch: usize,
    },
}

/// What a texture reference is set to.
#[derive(Clone, Copy)]
pub(super) struct Setting {
    pub(super) bound: Option<Bound>,
    pub(super) format: CUarray_format,
    pub(super) channels: u32,
    pub(super) texture: CUDA_TEXTURE_DESC,
}

/// A texture reference.
pub(crate) struct TextureReference {
    group: Arc<StreamGroup>,
    variable: Variable,
    setting: Lock<Setting>,
}

impl TextureReference {
    pub(super) fn new(group: Arc<StreamGroup>, address: Option<u64>) -> TextureReference {
        let texture =
            CUDA_TEXTURE_DESC { addressMode: [CUaddress_mode::CU_TR_ADDRESS_MODE_CLAMP; 3], ..Default::default() };
        let (format, channels) = (CUarray_format::CU_AD_FORMAT_FLOAT, 1);
        let setting = Lock::new(Order::Reference, Setting { bound: None, format, channels, texture });
        TextureReference { group, variable: Variable::new(Opaque::Texture, address), setting }
    }

    /// The reference of a handle.
    ///
    /// # Errors
    /// When it is none, or its context has failed or is gone.
    pub(super) fn named(handle: CUtexref) -> Answer<Arc<TextureReference>> {
        let reference: Option<Arc<TextureReference>> = Machine::get()?.objects.get(handle.addr());
        let reference = reference.ok_or(CUresult::CUDA_ERROR_INVALID_HANDLE)?;
        reference.group.check()?;
        Ok(reference)
    }

    /// What it is set to.
    pub(super) fn setting(&self) -> Setting {
        *self.setting.lock()
    }

    /// Changes what it is set to; kernels that start from now on see it.
    ///
    /// # Errors
    /// When what is bound could not be sampled so. Then nothing is changed.
    pub(super) fn change(&self, change: impl FnOnce(&mut Setting)) -> Answer {
        let machine = Machine::get()?;
        let mut setting = self.setting();
        change(&mut setting);
        let image = setting.bound.map(|bound| image_of(bound, &setting)).transpose()?;
        // What runs already has been promised the old image.
        if !self.group.is_idle() {
            self.group.synchronize();
        }
        *self.setting.lock() = setting;
        if self.variable.bind(machine, image.as_ref()) { Ok(()) } else { Err(CUresult::CUDA_ERROR_OUT_OF_MEMORY) }
    }

    /// Ends a reference that belongs to no module.
    pub(super) fn destroy(&self, machine: &Machine) {
        self.variable.bind(machine, None);
    }

    /// Whether it belongs to a module, with which it goes.
    pub(super) fn is_of_module(&self) -> bool {
        self.variable.address.is_some()
    }
}

/// The image that is bound, sampled as the reference says. Memory has the format of the reference, an array its own.
fn image_of(bound: Bound, setting: &Setting) -> Answer<Resource> {
    let (format, num_channels) = (setting.format, setting.channels);
    let image = match bound {
        Bound::Array(array) => Array::named(array)?.image,
        Bound::Mipmapped(array) => MipmappedArray::named(array)?.image,
        Bound::Linear { address, bytes } => linear(&CUDA_RESOURCE_DESC_res_linear {
            devPtr: address,
            format,
            numChannels: num_channels,
            sizeInBytes: bytes,
        })?,
        Bound::Pitched { address, width, height, pitch } => pitched(&CUDA_RESOURCE_DESC_res_pitch2D {
            devPtr: address,
            format,
            numChannels: num_channels,
            width,
            height,
            pitchInBytes: pitch,
        })?,
    };
    sampled(&image, &setting.texture)
}

/// A surface reference.
pub(crate) struct SurfaceReference {
    group: Arc<StreamGroup>,
    variable: Variable,
    array: Lock<Option<CUarray>>,
}

impl SurfaceReference {
    pub(super) fn new(group: Arc<StreamGroup>, address: u64) -> SurfaceReference {
        let variable = Variable::new(Opaque::Surface, Some(address));
        SurfaceReference { group, variable, array: Lock::new(Order::Reference, None) }
    }

    /// The reference of a handle.
    ///
    /// # Errors
    /// When it is none, or its context has failed or is gone.
    pub(super) fn named(handle: CUsurfref) -> Answer<Arc<SurfaceReference>> {
        let reference: Option<Arc<SurfaceReference>> = Machine::get()?.objects.get(handle.addr());
        let reference = reference.ok_or(CUresult::CUDA_ERROR_INVALID_HANDLE)?;
        reference.group.check()?;
        Ok(reference)
    }

    /// The array that is bound.
    pub(super) fn array(&self) -> Option<CUarray> {
        *self.array.lock()
    }

    /// Binds an array.
    ///
    /// # Errors
    /// When it is none, or was not made for surfaces.
    pub(super) fn bind(&self, array: CUarray) -> Answer {
        let machine = Machine::get()?;
        let image = surface_of(&*Array::named(array)?);
        if !self.group.is_idle() {
            self.group.synchronize();
        }
        *self.array.lock() = Some(array);
        match self.variable.bind(machine, Some(&image)) {
            true => Ok(()),
            false => Err(CUresult::CUDA_ERROR_OUT_OF_MEMORY),
        }
    }
}
