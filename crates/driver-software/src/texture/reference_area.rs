//! Functions of the API that find texture and surface references, and bind images to them.

use super::ReferenceSettings;
use super::reference::{Bound, SurfaceReference, TextureReference};
use crate::answer::{Answer, answer};
use crate::context::current;
use crate::machine::Machine;
use crate::module::Module;
use cuda_abi::*;
use driver_api::Driver;
use simt_ir::texture::Opaque;
use std::sync::Arc;

/// Texture and surface references.
pub(crate) struct TextureReferences;

/// The address of an opaque variable of a module.
fn variable(module: &Module, name: &str, kind: Opaque) -> Answer<u64> {
    let is_one = module.program.globals().iter().any(|symbol| symbol.name == name && symbol.opaque == Some(kind));
    let placed = module.globals.find(name).filter(|_| is_one);
    placed.map(|placed| placed.address).ok_or(CUresult::CUDA_ERROR_NOT_FOUND)
}

/// Binds to a texture reference.
fn bind(reference: CUtexref, bound: Bound) -> Answer {
    TextureReference::named(reference)?.change(|setting| setting.bound = Some(bound))
}

/// What addresses of textures are multiples of.
fn alignment() -> Answer<u64> {
    let attribute = CUdevice_attribute::CU_DEVICE_ATTRIBUTE_TEXTURE_ALIGNMENT;
    Ok(current()?.device.model.attribute(attribute.0).map_or(1, |bytes| bytes.max(1) as u64))
}

/// The only value of flags of functions that bind an array: its format is the reference's from then on.
fn check_flags(flags: u32) -> Answer {
    if flags == CU_TRSA_OVERRIDE_FORMAT { Ok(()) } else { Err(CUresult::CUDA_ERROR_INVALID_VALUE) }
}

impl Driver for TextureReferences {
    fn next(&self) -> Option<&dyn Driver> {
        Some(&ReferenceSettings)
    }

    fn cuModuleGetTexRef(&self, reference: &mut CUtexref, module: CUmodule, name: &core::ffi::CStr) -> CUresult {
        answer(|| {
            let (module, name) = (Module::named(module)?, crate::module::name_of(name)?);
            let address = variable(&module, name, Opaque::Texture)?;
            let make = || {
                let made = TextureReference::new(module.group.clone(), Some(address));
                Machine::get()?.objects.insert(Arc::new(made))
            };
            *reference = CUtexref::from_addr(module.references.get_or(name, make)?);
            Ok(())
        })
    }

    fn cuModuleGetSurfRef(&self, reference: &mut CUsurfref, module: CUmodule, name: &core::ffi::CStr) -> CUresult {
        answer(|| {
            let (module, name) = (Module::named(module)?, crate::module::name_of(name)?);
            let address = variable(&module, name, Opaque::Surface)?;
            let make = || {
                let made = SurfaceReference::new(module.group.clone(), address);
                Machine::get()?.objects.insert(Arc::new(made))
            };
            *reference = CUsurfref::from_addr(module.references.get_or(name, make)?);
            Ok(())
        })
    }

    fn cuTexRefCreate(&self, reference: &mut CUtexref) -> CUresult {
        answer(|| {
            let made = TextureReference::new(current()?.streams.clone(), None);
            *reference = CUtexref::from_addr(Machine::get()?.objects.insert(Arc::new(made))?);
            Ok(())
        })
    }

    fn cuTexRefDestroy(&self, reference: CUtexref) -> CUresult {
        answer(|| {
            let machine = Machine::get()?;
            let found = TextureReference::named(reference)?;
            if found.is_of_module() {
                return Err(CUresult::CUDA_ERROR_INVALID_HANDLE);
            }
            machine.objects.remove::<TextureReference>(reference.addr());
            found.destroy(machine);
            Ok(())
        })
    }

    fn cuTexRefSetArray(&self, reference: CUtexref, array: CUarray, flags: u32) -> CUresult {
        answer(|| {
            let reference = TextureReference::named(reference)?;
            check_flags(flags)?;
            let descriptor = super::Array::named(array)?.descriptor;
            reference.change(|setting| {
                setting.bound = Some(Bound::Array(array));
                (setting.format, setting.channels) = (descriptor.Format, descriptor.NumChannels);
            })
        })
    }

    fn cuTexRefSetMipmappedArray(&self, reference: CUtexref, array: CUmipmappedArray, flags: u32) -> CUresult {
        answer(|| {
            let reference = TextureReference::named(reference)?;
            check_flags(flags)?;
            let descriptor = super::MipmappedArray::named(array)?.descriptor;
            reference.change(|setting| {
                setting.bound = Some(Bound::Mipmapped(array));
                (setting.format, setting.channels) = (descriptor.Format, descriptor.NumChannels);
            })
        })
    }

    fn cuTexRefSetAddress_v2(
        &self,
        byte_offset: Option<&mut usize>,
        reference: CUtexref,
        address: CUdeviceptr,
        bytes: usize,
    ) -> CUresult {
        answer(|| {
            // What is bound begins at a multiple of the alignment; the program adds the rest to its coordinates.
            TextureReference::named(reference)?;
            let align = alignment()?;
            let rest = address % align;
            let bound = Bound::Linear { address: address - rest, bytes: bytes.saturating_add(rest as usize) };
            match byte_offset {
                None if rest != 0 => Err(CUresult::CUDA_ERROR_INVALID_VALUE),
                None => bind(reference, bound),
                Some(byte_offset) => {
                    bind(reference, bound)?;
                    *byte_offset = rest as usize;
                    Ok(())
                }
            }
        })
    }

    fn cuTexRefSetAddress2D_v3(
        &self,
        reference: CUtexref,
        described: &CUDA_ARRAY_DESCRIPTOR,
        address: CUdeviceptr,
        pitch: usize,
    ) -> CUresult {
        answer(|| {
            let CUDA_ARRAY_DESCRIPTOR { Width: width, Height: height, Format, NumChannels } = *described;
            TextureReference::named(reference)?.change(|setting| {
                setting.bound = Some(Bound::Pitched { address, width, height, pitch });
                (setting.format, setting.channels) = (Format, NumChannels);
            })
        })
    }

    fn cuTexRefGetArray(&self, array: &mut CUarray, reference: CUtexref) -> CUresult {
        answer(|| match TextureReference::named(reference)?.setting().bound {
            Some(Bound::Array(bound)) => {
                *array = bound;
                Ok(())
            }
            _ => Err(CUresult::CUDA_ERROR_INVALID_VALUE),
        })
    }

    fn cuTexRefGetMipmappedArray(&self, array: &mut CUmipmappedArray, reference: CUtexref) -> CUresult {
        answer(|| match TextureReference::named(reference)?.setting().bound {
            Some(Bound::Mipmapped(bound)) => {
                *array = bound;
                Ok(())
            }
            _ => Err(CUresult::CUDA_ERROR_INVALID_VALUE),
        })
    }

    fn cuTexRefGetAddress_v2(&self, pointer: &mut CUdeviceptr, reference: CUtexref) -> CUresult {
        answer(|| match TextureReference::named(reference)?.setting().bound {
            Some(Bound::Linear { address, .. } | Bound::Pitched { address, .. }) => {
                *pointer = address;
                Ok(())
            }
            _ => Err(CUresult::CUDA_ERROR_INVALID_VALUE),
        })
    }

    fn cuSurfRefSetArray(&self, reference: CUsurfref, array: CUarray, flags: u32) -> CUresult {
        answer(|| match flags {
            0 => SurfaceReference::named(reference)?.bind(array),
            _ => Err(CUresult::CUDA_ERROR_INVALID_VALUE),
        })
    }

    fn cuSurfRefGetArray(&self, array: &mut CUarray, reference: CUsurfref) -> CUresult {
        answer(|| {
            let bound = SurfaceReference::named(reference)?.array();
            *array = bound.ok_or(CUresult::CUDA_ERROR_INVALID_VALUE)?;
            Ok(())
        })
    }
}
