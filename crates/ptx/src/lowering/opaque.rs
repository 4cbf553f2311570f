//! Variables of opaque types: `.texref`, `.samplerref`, `.surfref` (PTX ISA 5.3).

use simt_ir::texture::{AddressMode, Opaque, Sampler, variable};

use crate::ast::{Initializer, ScalarType, Space, Variables};

/// Which opaque type a declaration has, if any. What is in `.tex` space is a texture, whatever type is written.
pub(super) fn kind(declaration: &Variables) -> Option<Opaque> {
    match declaration.ty {
        _ if declaration.space == Space::Texture => Some(Opaque::Texture),
        ScalarType::Texref => Some(Opaque::Texture),
        ScalarType::Samplerref => Some(Opaque::Sampler),
        ScalarType::Surfref => Some(Opaque::Surface),
        _ => None,
    }
}

/// The first content of a variable. Of a texture or surface the program binds an image to it, and says what that is like: what is
/// declared of it has no say.
pub(super) fn word(kind: Opaque, initializer: Option<&Initializer>) -> Result<u64, String> {
    let properties: &[Initializer] = match initializer {
        Some(Initializer::List(list)) => list,
        Some(single) => std::slice::from_ref(single),
        None => &[],
    };
    if kind != Opaque::Sampler {
        return Ok(variable::word(kind, 0));
    }
    let (mut sampler, mut force_unnormalized) = (Sampler::default(), false);
    for property in properties {
        let Initializer::Property(name, value) = property else {
            return Err("a sampler is described by properties".into());
        };
        match name.as_str() {
            "addr_mode_0" => sampler.address[0] = address_mode(value)?,
            "addr_mode_1" => sampler.address[1] = address_mode(value)?,
            "addr_mode_2" => sampler.address[2] = address_mode(value)?,
            "filter_mode" => sampler.linear = choice(value, &["nearest", "linear"])? == 1,
            "force_unnormalized_coords" => force_unnormalized = choice(value, &[])? != 0,
            other => return Err(format!("a sampler has no property `{other}`")),
        }
    }
    Ok(variable::sampler_word(&sampler, force_unnormalized))
}

fn address_mode(value: &Initializer) -> Result<AddressMode, String> {
    const MODES: [AddressMode; 5] =
        [AddressMode::Wrap, AddressMode::Mirror, AddressMode::Clamp, AddressMode::Clamp, AddressMode::Border];
    let index = choice(value, &["wrap", "mirror", "clamp_ogl", "clamp_to_edge", "clamp_to_border"])?;
    MODES.get(index).copied().ok_or_else(|| format!("there is no address mode {index}"))
}

/// A number, or the place of a name in a list.
fn choice(value: &Initializer, names: &[&str]) -> Result<usize, String> {
    match value {
        Initializer::Value(number) => {
            number.as_bits().map(|bits| bits as usize).ok_or_else(|| "a property is an integer".into())
        }
        Initializer::Symbol(symbol) => {
            let name = symbol.symbol.as_str();
            names.iter().position(|known| *known == name).ok_or_else(|| format!("`{name}` is no such property"))
        }
        _ => Err("a property is a number or a name".into()),
    }
}
