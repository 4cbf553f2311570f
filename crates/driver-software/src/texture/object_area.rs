//! Functions of the API about texture and surface objects.

use super::object::{Object, surface_image, texture_image};
use crate::answer::answer;
use crate::context::current;
use crate::machine::Machine;
use crate::tensor_map::TensorMaps;
use cuda_abi::*;
use driver_api::Driver;

/// Texture and surface objects.
pub(crate) struct TextureObjects;

fn is_texture(object: &Object) -> bool {
    object.texture.is_some()
}

fn is_surface(object: &Object) -> bool {
    object.texture.is_none()
}

impl Driver for TextureObjects {
    fn next(&self) -> Option<&dyn Driver> {
        Some(&TensorMaps)
    }

    fn cuTexObjectCreate(
        &self,
        handle: &mut CUtexObject,
        resource: &CUDA_RESOURCE_DESC,
        texture: &CUDA_TEXTURE_DESC,
        view: Option<&CUDA_RESOURCE_VIEW_DESC>,
    ) -> CUresult {
        answer(|| {
            let machine = Machine::get()?;
            current()?;
            let image = texture_image(resource, texture, view)?;
            *handle = machine.textures.insert(machine, &image, resource, Some(texture), view)?;
            Ok(())
        })
    }

    fn cuTexObjectDestroy(&self, handle: CUtexObject) -> CUresult {
        answer(|| {
            let machine = Machine::get()?;
            // No object at all is nothing to destroy, in whatever context that is current.
            if handle == 0 {
                return current().map(drop);
            }
            machine.textures.remove(machine, handle, is_texture)
        })
    }

    fn cuTexObjectGetResourceDesc(&self, resource: &mut CUDA_RESOURCE_DESC, handle: CUtexObject) -> CUresult {
        answer(|| {
            *resource = Machine::get()?.textures.get(handle, is_texture)?.resource;
            Ok(())
        })
    }

    fn cuTexObjectGetTextureDesc(&self, texture: &mut CUDA_TEXTURE_DESC, handle: CUtexObject) -> CUresult {
        answer(|| {
            let object = Machine::get()?.textures.get(handle, is_texture)?;
            *texture = object.texture.ok_or(CUresult::CUDA_ERROR_INVALID_VALUE)?;
            Ok(())
        })
    }

    fn cuTexObjectGetResourceViewDesc(&self, view: &mut CUDA_RESOURCE_VIEW_DESC, handle: CUtexObject) -> CUresult {
        answer(|| {
            let object = Machine::get()?.textures.get(handle, is_texture)?;
            *view = object.view.ok_or(CUresult::CUDA_ERROR_INVALID_VALUE)?;
            Ok(())
        })
    }

    fn cuSurfObjectCreate(&self, handle: &mut CUsurfObject, resource: &CUDA_RESOURCE_DESC) -> CUresult {
        answer(|| {
            let machine = Machine::get()?;
            current()?;
            let image = surface_image(resource)?;
            *handle = machine.textures.insert(machine, &image, resource, None, None)?;
            Ok(())
        })
    }

    fn cuSurfObjectDestroy(&self, handle: CUsurfObject) -> CUresult {
        answer(|| {
            let machine = Machine::get()?;
            // No object at all is nothing to destroy, in whatever context that is current.
            if handle == 0 {
                return current().map(drop);
            }
            machine.textures.remove(machine, handle, is_surface)
        })
    }

    fn cuSurfObjectGetResourceDesc(&self, resource: &mut CUDA_RESOURCE_DESC, handle: CUsurfObject) -> CUresult {
        answer(|| {
            *resource = Machine::get()?.textures.get(handle, is_surface)?.resource;
            Ok(())
        })
    }
}
