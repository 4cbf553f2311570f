//! The primary context of a device, which the parts of a program share.

use super::Context;
use crate::answer::Answer;
use crate::device::Device;
use cuda_abi::CUresult;
use std::sync::Arc;

/// State of a device's primary context.
#[derive(Default)]
pub(crate) struct Primary {
    context: Option<Arc<Context>>,
    /// How many times it was retained and not released.
    references: u32,
    /// Flags that the context has, or gets.
    flags: u32,
}

impl Device {
    /// The primary context, made if need be, with one more reference.
    pub(crate) fn retain_primary(&'static self) -> Answer<Arc<Context>> {
        let mut primary = self.primary.lock();
        let context = match &primary.context {
            Some(context) => context.clone(),
            None => {
                let context = Context::create(self, primary.flags, true)?;
                primary.context = Some(context.clone());
                context
            }
        };
        primary.references = primary.references.checked_add(1).ok_or(CUresult::CUDA_ERROR_INVALID_VALUE)?;
        Ok(context)
    }

    /// Gives up a reference; the last one ends the context.
    pub(crate) fn release_primary(&self) -> Answer {
        let mut primary = self.primary.lock();
        primary.references = primary.references.checked_sub(1).ok_or(CUresult::CUDA_ERROR_INVALID_CONTEXT)?;
        if primary.references == 0 { end(&mut primary) } else { Ok(()) }
    }

    /// Ends the context, whoever has references. They stay valid for the context that the next one makes.
    pub(super) fn reset_primary(&self) -> Answer {
        end(&mut self.primary.lock())
    }

    /// Flags, and whether there is a context.
    pub(super) fn primary_state(&self) -> (u32, bool) {
        let primary = self.primary.lock();
        let flags = primary.context.as_ref().map_or(primary.flags, |context| context.flags());
        (flags, primary.context.is_some())
    }

    /// Sets the flags.
    pub(super) fn set_primary_flags(&self, flags: u32) {
        let mut primary = self.primary.lock();
        primary.flags = flags;
        if let Some(context) = &primary.context {
            context.set_flags(flags);
        }
    }
}

fn end(primary: &mut Primary) -> Answer {
    match primary.context.take() {
        Some(context) => context.destroy(),
        None => Ok(()),
    }
}
