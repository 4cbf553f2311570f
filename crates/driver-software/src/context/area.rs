//! Functions of the API about contexts.

use super::current::{pop, push, set};
use super::{Context, STACK_BYTES_MAX, current, current_unchecked};
use crate::answer::{Answer, answer};
use crate::device::Devices;
use crate::event::Event;
use crate::machine::Machine;
use crate::stream::{PRIORITY_GREATEST, PRIORITY_LEAST};
use cuda_abi::*;
use driver_api::Driver;
use std::sync::Arc;

/// Contexts.
pub(crate) struct Contexts;

/// The version of the API that contexts report: that of `cuCtxCreate` since CUDA 3.2.
const API_VERSION: u32 = 3020;

/// Least bytes of formatted output that are kept, as driver 580 has it.
const OUTPUT_BYTES_MIN: usize = 512 << 10;
/// Least bytes for `malloc` in kernels, as driver 580 has it.
const HEAP_BYTES_MIN: usize = 4 << 20;

/// The context of a handle.
fn named(handle: CUcontext) -> Answer<Arc<Context>> {
    Machine::get()?.objects.get(handle.addr()).ok_or(CUresult::CUDA_ERROR_INVALID_CONTEXT)
}

/// The context of a handle, or the current one for null; alive and without a fault.
fn named_or_current(handle: CUcontext) -> Answer<Arc<Context>> {
    if handle.is_null() {
        return current();
    }
    let context = named(handle)?;
    context.check()?;
    Ok(context)
}

fn limit_of(context: &Context, limit: CUlimit) -> Answer<usize> {
    let settings = *context.settings.lock();
    Ok(match limit {
        CUlimit::CU_LIMIT_STACK_SIZE => context.streams.stack_bytes() as usize,
        CUlimit::CU_LIMIT_PRINTF_FIFO_SIZE => context.domain.output().limit() as usize,
        CUlimit::CU_LIMIT_MALLOC_HEAP_SIZE => context.domain.heap().bytes() as usize,
        CUlimit::CU_LIMIT_DEV_RUNTIME_SYNC_DEPTH if context.device.capability().major < 9 => settings.sync_depth,
        CUlimit::CU_LIMIT_DEV_RUNTIME_PENDING_LAUNCH_COUNT => context.streams.device_state.pending_max(),
        CUlimit::CU_LIMIT_MAX_L2_FETCH_GRANULARITY => settings.l2_granularity,
        CUlimit::CU_LIMIT_PERSISTING_L2_CACHE_SIZE => settings.persisting_l2,
        CUlimit::CU_LIMIT_SHMEM_SIZE => context.device.limits().shared_per_block_optin as usize,
        CUlimit::CU_LIMIT_CIG_ENABLED => 0,
        limit if limit.0 < CUlimit::CU_LIMIT_MAX.0 => return Err(CUresult::CUDA_ERROR_UNSUPPORTED_LIMIT),
        _ => return Err(CUresult::CUDA_ERROR_INVALID_VALUE),
    })
}

fn set_limit(context: &Context, limit: CUlimit, value: usize) -> Answer {
    match limit {
        CUlimit::CU_LIMIT_STACK_SIZE if value > STACK_BYTES_MAX => return Err(CUresult::CUDA_ERROR_INVALID_VALUE),
        CUlimit::CU_LIMIT_STACK_SIZE => context.streams.set_stack_bytes(value.next_multiple_of(16) as u32),
        CUlimit::CU_LIMIT_PRINTF_FIFO_SIZE => context.domain.output().set_limit(value.max(OUTPUT_BYTES_MIN) as u64),
        CUlimit::CU_LIMIT_MALLOC_HEAP_SIZE => {
            if value as u64 > context.device.budget.capacity() {
                return Err(CUresult::CUDA_ERROR_OUT_OF_MEMORY);
            }
            if !context.domain.heap().resize(value.max(HEAP_BYTES_MIN) as u64) {
                return Err(CUresult::CUDA_ERROR_INVALID_VALUE);
            }
        }
        CUlimit::CU_LIMIT_DEV_RUNTIME_SYNC_DEPTH if context.device.capability().major < 9 => {
            context.settings.lock().sync_depth = value;
        }
        CUlimit::CU_LIMIT_DEV_RUNTIME_PENDING_LAUNCH_COUNT => {
            context.streams.device_state.set_pending_max(value);
        }
        CUlimit::CU_LIMIT_MAX_L2_FETCH_GRANULARITY => context.settings.lock().l2_granularity = value.min(128),
        CUlimit::CU_LIMIT_PERSISTING_L2_CACHE_SIZE => {
            let most = context.device.profile().l2_bytes as usize / 4 * 3;
            context.settings.lock().persisting_l2 = value.min(most);
        }
        limit if limit.0 < CUlimit::CU_LIMIT_MAX.0 => return Err(CUresult::CUDA_ERROR_UNSUPPORTED_LIMIT),
        _ => return Err(CUresult::CUDA_ERROR_INVALID_VALUE),
    }
    Ok(())
}

impl Driver for Contexts {
    fn next(&self) -> Option<&dyn Driver> {
        Some(&Devices)
    }

    /// # Safety
    /// As [`driver_api::Driver`] says.
    unsafe fn cuCtxCreate_v4(
        &self,
        context: &mut CUcontext,
        parameters: Option<&CUctxCreateParams>,
        flags: u32,
        dev: CUdevice,
    ) -> CUresult {
        answer(|| {
            let device = Machine::get()?.device(dev)?;
            if !Context::are_valid_flags(flags) {
                return Err(CUresult::CUDA_ERROR_INVALID_VALUE);
            }
            if parameters.is_some_and(|wanted| wanted.numExecAffinityParams != 0 || !wanted.cigParams.is_null()) {
                return Err(CUresult::CUDA_ERROR_NOT_SUPPORTED);
            }
            let created = Context::create(device, flags, false)?;
            *context = CUcontext::from_addr(created.handle());
            push(created)
        })
    }

    fn cuCtxDestroy_v2(&self, context: CUcontext) -> CUresult {
        answer(|| {
            let context = named(context)?;
            if context.is_primary {
                return Err(CUresult::CUDA_ERROR_INVALID_CONTEXT);
            }
            context.destroy()?;
            // Of the calling thread's stack it goes from the top only; elsewhere it stays, as a context that is gone.
            if current_unchecked()?.is_some_and(|top| Arc::ptr_eq(&top, &context)) {
                pop()?;
            }
            Ok(())
        })
    }

    fn cuCtxPushCurrent_v2(&self, context: CUcontext) -> CUresult {
        answer(|| push(named(context)?))
    }

    fn cuCtxPopCurrent_v2(&self, context: Option<&mut CUcontext>) -> CUresult {
        answer(|| {
            let popped = pop()?;
            if let Some(context) = context {
                *context = CUcontext::from_addr(popped.handle());
            }
            Ok(())
        })
    }

    fn cuCtxSetCurrent(&self, context: CUcontext) -> CUresult {
        answer(|| match context.is_null() {
            true => set(None),
            false => set(Some(named(context)?)),
        })
    }

    fn cuCtxGetCurrent(&self, context: &mut CUcontext) -> CUresult {
        answer(|| {
            let top = current_unchecked()?;
            *context = top.map_or(CUcontext::NULL, |top| CUcontext::from_addr(top.handle()));
            Ok(())
        })
    }

    fn cuCtxGetDevice_v2(&self, device: &mut CUdevice, context: CUcontext) -> CUresult {
        answer(|| {
            let context = match context.is_null() {
                true => current_unchecked()?.ok_or(CUresult::CUDA_ERROR_INVALID_CONTEXT)?,
                false => named(context)?,
            };
            *device = context.device.ordinal as CUdevice;
            Ok(())
        })
    }

    fn cuCtxGetFlags(&self, flags: &mut u32) -> CUresult {
        answer(|| {
            *flags = current()?.flags();
            Ok(())
        })
    }

    fn cuCtxSetFlags(&self, flags: u32) -> CUresult {
        answer(|| {
            if !Context::are_valid_flags(flags) {
                return Err(CUresult::CUDA_ERROR_INVALID_VALUE);
            }
            current()?.set_flags(flags);
            Ok(())
        })
    }

    fn cuCtxGetId(&self, context: CUcontext, id: &mut u64) -> CUresult {
        answer(|| {
            *id = named_or_current(context)?.id;
            Ok(())
        })
    }

    fn cuCtxGetApiVersion(&self, context: CUcontext, version: &mut u32) -> CUresult {
        answer(|| {
            named_or_current(context)?;
            *version = API_VERSION;
            Ok(())
        })
    }

    fn cuCtxSynchronize_v2(&self, context: CUcontext) -> CUresult {
        answer(|| named_or_current(context)?.synchronize())
    }

    fn cuCtxGetLimit(&self, value: &mut usize, limit: CUlimit) -> CUresult {
        answer(|| {
            *value = limit_of(&*current()?, limit)?;
            Ok(())
        })
    }

    fn cuCtxSetLimit(&self, limit: CUlimit, value: usize) -> CUresult {
        answer(|| set_limit(&*current()?, limit, value))
    }

    fn cuCtxGetCacheConfig(&self, config: &mut CUfunc_cache) -> CUresult {
        answer(|| {
            *config = CUfunc_cache(current()?.settings.lock().cache_config);
            Ok(())
        })
    }

    fn cuCtxSetCacheConfig(&self, config: CUfunc_cache) -> CUresult {
        answer(|| {
            config.name().ok_or(CUresult::CUDA_ERROR_INVALID_VALUE)?;
            current()?.settings.lock().cache_config = config.0;
            Ok(())
        })
    }

    fn cuCtxGetSharedMemConfig(&self, config: &mut CUsharedconfig) -> CUresult {
        answer(|| {
            *config = CUsharedconfig(current()?.settings.lock().shared_config);
            Ok(())
        })
    }

    fn cuCtxSetSharedMemConfig(&self, config: CUsharedconfig) -> CUresult {
        answer(|| {
            config.name().ok_or(CUresult::CUDA_ERROR_INVALID_VALUE)?;
            // Banks are four bytes wide on all devices from compute capability 5.0 on, whatever is asked for.
            current().map(|_| ())
        })
    }

    fn cuCtxGetStreamPriorityRange(&self, least: Option<&mut i32>, greatest: Option<&mut i32>) -> CUresult {
        answer(|| {
            current()?;
            if let Some(least) = least {
                *least = PRIORITY_LEAST;
            }
            if let Some(greatest) = greatest {
                *greatest = PRIORITY_GREATEST;
            }
            Ok(())
        })
    }

    fn cuCtxResetPersistingL2Cache(&self) -> CUresult {
        answer(|| current().map(|_| ()))
    }

    fn cuCtxGetExecAffinity(&self, _affinity: &mut CUexecAffinityParam, _kind: CUexecAffinityType) -> CUresult {
        answer(|| current().and(Err(CUresult::CUDA_ERROR_UNSUPPORTED_EXEC_AFFINITY)))
    }

    fn cuCtxRecordEvent(&self, context: CUcontext, event: CUevent) -> CUresult {
        answer(|| {
            let (context, event) = (named_or_current(context)?, Event::named(event)?);
            let legacy = context.streams.legacy()?;
            // The event stands for all streams of the context; the legacy stream gathers them without holding them up.
            for point in context.streams.positions() {
                legacy.queue.wait_for(&point);
            }
            event.record_on(&legacy)
        })
    }

    fn cuCtxWaitEvent(&self, context: CUcontext, event: CUevent) -> CUresult {
        answer(|| {
            let (context, event) = (named_or_current(context)?, Event::named(event)?);
            if let Some(point) = event.point() {
                context.streams.wait_for_all(&point);
            }
            Ok(())
        })
    }

    fn cuCtxEnablePeerAccess(&self, peer: CUcontext, flags: u32) -> CUresult {
        answer(|| {
            let (context, peer) = (current()?, named(peer)?);
            if flags != 0 {
                return Err(CUresult::CUDA_ERROR_INVALID_VALUE);
            }
            if context.device.ordinal == peer.device.ordinal {
                return Err(CUresult::CUDA_ERROR_INVALID_DEVICE);
            }
            let is_new = context.peers.lock().insert(peer.id);
            if is_new { Ok(()) } else { Err(CUresult::CUDA_ERROR_PEER_ACCESS_ALREADY_ENABLED) }
        })
    }

    fn cuCtxDisablePeerAccess(&self, peer: CUcontext) -> CUresult {
        answer(|| {
            let (context, peer) = (current()?, named(peer)?);
            let was_there = context.peers.lock().remove(&peer.id);
            if was_there { Ok(()) } else { Err(CUresult::CUDA_ERROR_PEER_ACCESS_NOT_ENABLED) }
        })
    }

    fn cuDevicePrimaryCtxRetain(&self, context: &mut CUcontext, dev: CUdevice) -> CUresult {
        answer(|| {
            *context = CUcontext::from_addr(Machine::get()?.device(dev)?.retain_primary()?.handle());
            Ok(())
        })
    }

    fn cuDevicePrimaryCtxRelease_v2(&self, dev: CUdevice) -> CUresult {
        answer(|| Machine::get()?.device(dev)?.release_primary())
    }

    fn cuDevicePrimaryCtxReset_v2(&self, dev: CUdevice) -> CUresult {
        answer(|| Machine::get()?.device(dev)?.reset_primary())
    }

    fn cuDevicePrimaryCtxGetState(&self, dev: CUdevice, flags: &mut u32, active: &mut i32) -> CUresult {
        answer(|| {
            let (set, is_active) = Machine::get()?.device(dev)?.primary_state();
            (*flags, *active) = (set, i32::from(is_active));
            Ok(())
        })
    }

    fn cuDevicePrimaryCtxSetFlags_v2(&self, dev: CUdevice, flags: u32) -> CUresult {
        answer(|| {
            let device = Machine::get()?.device(dev)?;
            if !Context::are_valid_flags(flags) {
                return Err(CUresult::CUDA_ERROR_INVALID_VALUE);
            }
            device.set_primary_flags(flags);
            Ok(())
        })
    }
}
