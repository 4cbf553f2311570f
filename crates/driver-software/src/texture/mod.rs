//! Arrays, and the textures and surfaces that kernels name.
//!
//! An array's texels lie in rows, slices and levels as `simt_ir::texture::Resource` describes them. A texture or surface object is such
//! a description in the engine's table; its handle is the number that kernels get. Descriptions as the program gave them are kept
//! beside, so that it can read them back.

mod array;
mod array_area;
mod format;
mod layout;
mod object;
mod object_area;
mod reference;
mod reference_area;
mod setting_area;

pub(crate) use array::{Array, MipmappedArray};
pub(crate) use array_area::Arrays;
pub(crate) use object::ObjectTable;
pub(crate) use object_area::TextureObjects;
pub(crate) use reference::{References, SurfaceReference, TextureReference};
pub(crate) use reference_area::TextureReferences;
pub(crate) use setting_area::ReferenceSettings;
