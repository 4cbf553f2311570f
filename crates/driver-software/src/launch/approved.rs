//! Launches that were found right: programs launch the same kernel with the same shape again and again, and what was checked once
//! need not be checked each time.

use super::Request;
use crate::module::Function;
use simt::PreparedLaunch;

/// Launches that a thread remembers.
const APPROVED: usize = 16;

/// A launch that was found right, and what that depended on.
struct Approved {
    /// Handle of the function, which no other one ever gets.
    function: usize,
    /// Changes of the function's settings before.
    settings: u64,
    /// Whether kernels could meet memory of the host.
    host_memory: bool,
    request: Request,
    launch: PreparedLaunch,
}

/// What a thread has launched lately.
pub(super) struct ApprovedLaunches([Option<Approved>; APPROVED]);

impl ApprovedLaunches {
    pub(super) const fn new() -> Self {
        Self([const { None }; APPROVED])
    }

    /// The launch, if it was found right before, or else what `approve` makes of it.
    ///
    /// # Errors
    /// Those of `approve`.
    #[inline]
    pub(super) fn get_or<E>(
        &mut self,
        function: &Function,
        request: &Request,
        host_memory: bool,
        approve: impl FnOnce() -> Result<PreparedLaunch, E>,
    ) -> Result<&PreparedLaunch, E> {
        let (handle, settings) = (function.handle(), function.settings.changes());
        let entry = &mut self.0[handle % APPROVED];
        let is_known = matches!(entry, Some(known) if known.function == handle
            && known.settings == settings
            && known.host_memory == host_memory
            && known.request.is_same(request));
        if !is_known {
            // What was there goes first, so that a failure leaves nothing behind.
            *entry = None;
            let launch = approve()?;
            *entry = Some(Approved { function: handle, settings, host_memory, request: *request, launch });
        }
        match entry {
            Some(approved) => Ok(&approved.launch),
            None => unreachable!("the entry has just been filled"),
        }
    }
}
